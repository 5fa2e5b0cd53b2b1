//! Secrets that the program has to use itself: keys of sources, the mail server's password. Sealed with
//! XChaCha20-Poly1305 under a key that is kept outside the catalog; the name is sealed along, so that a secret cannot
//! be passed off as another.

use crate::audit::note;
use crate::error::AccessError;
use crate::permission::Action;
use crate::secret_key::{FILE, SecretKey, read};
use crate::token::{Secret, random};
use crate::{Access, Who, checked_name, instant};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use netnew_book::FileLayer;
use netnew_money::Instant;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::json;
use std::io::Write;
use std::path::Path;
use zeroize::Zeroizing;

const NEXT: &str = "secret.key.next";

fn cipher(key: &SecretKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&*key.0).into())
}

fn bound_to(name: &str) -> Vec<u8> {
    format!("netnew sealed 1\n{name}").into_bytes()
}

fn seal(key: &SecretKey, name: &str, secret: &str) -> Result<([u8; 24], Vec<u8>), AccessError> {
    // 192 random bits: two alike are not to be expected in the lifetime of anything.
    let nonce = random::<24>()?;
    let name = bound_to(name);
    let payload = Payload { msg: secret.as_bytes(), aad: &name };
    let sealed = cipher(key)
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|_| AccessError::Hashing("a secret is too long to be sealed".into()))?;
    Ok((nonce, sealed))
}

/// A row of the table: name, id of the key, nonce, what is sealed.
type Row = (String, Vec<u8>, Vec<u8>, Vec<u8>);

fn unseal(key: &SecretKey, (name, key_id, nonce, sealed): &Row) -> Result<Secret, AccessError> {
    if *key_id != key.id() {
        return Err(AccessError::OtherKey(name.clone()));
    }
    let tampered = || AccessError::Tampered(name.clone());
    let nonce: [u8; 24] = nonce.as_slice().try_into().map_err(|_| tampered())?;
    let name = bound_to(name);
    let payload = Payload { msg: sealed, aad: &name };
    let text = cipher(key).decrypt(&XNonce::from(nonce), payload).map_err(|_| tampered())?;
    let mut text = Zeroizing::new(text);
    String::from_utf8(std::mem::take(&mut *text)).map(Secret::new).map_err(|_| tampered())
}

fn store(
    db: &Connection,
    key: &SecretKey,
    name: &str,
    secret: &str,
    now: Instant,
) -> Result<(), AccessError> {
    let (nonce, sealed) = seal(key, name, secret)?;
    db.execute(
        "INSERT INTO sealed (name, key_id, nonce, sealed, updated_at) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (name) \
         DO UPDATE SET key_id = excluded.key_id, nonce = excluded.nonce, sealed = excluded.sealed, \
         updated_at = excluded.updated_at",
        params![name, key.id(), nonce, sealed, now.micros()],
    )?;
    Ok(())
}

fn all(db: &Connection) -> Result<Vec<Row>, AccessError> {
    let mut statement = db.prepare("SELECT name, key_id, nonce, sealed FROM sealed ORDER BY name")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn write_key(files: &dyn FileLayer, dir: &Path, name: &str, key: &SecretKey) -> Result<(), AccessError> {
    let path = dir.join(name);
    let write = || -> std::io::Result<()> {
        let mut file = files.create_private(&path)?;
        file.write_all(key.to_hex().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync()?;
        files.sync_dir(dir)
    };
    write().map_err(|source| AccessError::Io { path: path.clone(), source })
}

fn take_place(files: &dyn FileLayer, dir: &Path) -> Result<(), AccessError> {
    files
        .rename(&dir.join(NEXT), &dir.join(FILE))
        .and_then(|()| files.sync_dir(dir))
        .map_err(|source| AccessError::Io { path: dir.join(FILE), source })
}

/// Whether everything that is sealed is sealed with this key.
fn seals_all(db: &Connection, key: &SecretKey) -> Result<bool, AccessError> {
    Ok(db.query_row("SELECT NOT EXISTS (SELECT 1 FROM sealed WHERE key_id <> ?1)", [key.id()], |row| {
        row.get(0)
    })?)
}

fn reseal(
    db: &Connection,
    by: &Who,
    old: &SecretKey,
    new: &SecretKey,
    now: Instant,
) -> Result<usize, AccessError> {
    let rows = all(db)?;
    for row in &rows {
        store(db, new, &row.0, unseal(old, row)?.reveal(), now)?;
    }
    note(db, by, "rotate_secret_key", "", &json!({"secrets": rows.len()}), now)?;
    Ok(rows.len())
}

impl Access {
    /// The book's key: `given` (what `NETNEW_SECRET_KEY` holds, if it is set) or else the file `secret.key` beside the
    /// book, which is made on first use and which only its owner may read.
    pub fn secret_key(&self, given: Option<&str>) -> Result<SecretKey, AccessError> {
        if let Some(text) = given.filter(|text| !text.trim().is_empty()) {
            return SecretKey::from_hex(text, "NETNEW_SECRET_KEY");
        }
        // The write lock of the catalog keeps two processes from making a key each.
        self.write(|db| self.key_of_file(db))
    }

    fn key_of_file(&self, db: &Connection) -> Result<SecretKey, AccessError> {
        let (files, dir) = (self.files(), self.dir());
        // A next key is used only after it was written whole; one that is not was never used.
        let next = match read(&dir.join(NEXT)) {
            Err(AccessError::BadSecretKey { .. }) => None,
            other => other?,
        };
        // A rotation is over with its commit; here its key gets its place.
        if let Some(next) = next
            && seals_all(db, &next)?
        {
            take_place(files, dir)?;
            return Ok(next);
        }
        if let Some(key) = read(&dir.join(FILE))? {
            return Ok(key);
        }
        let key = SecretKey::make()?;
        write_key(files, dir, NEXT, &key)?;
        take_place(files, dir)?;
        Ok(key)
    }

    /// Seals a secret under a name, replacing.
    pub fn set_secret(
        &self,
        by: &Who,
        key: &SecretKey,
        name: &str,
        secret: &Secret,
        now: Instant,
    ) -> Result<(), AccessError> {
        by.must(Action::ManageSecrets)?;
        let name = checked_name(name)?;
        self.write(|db| {
            store(db, key, name, secret.reveal(), now)?;
            note(db, by, "set_secret", name, &json!({}), now)
        })
    }

    /// A secret in the clear, for the program to use; `None` when there is none of this name.
    pub fn secret(&self, key: &SecretKey, name: &str) -> Result<Option<Secret>, AccessError> {
        let row: Option<Row> = self
            .db()
            .query_row("SELECT name, key_id, nonce, sealed FROM sealed WHERE name = ?1", [name], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .optional()?;
        row.map(|row| unseal(key, &row)).transpose()
    }

    /// Names of the secrets and when each was set: all that is ever shown of them.
    pub fn secrets(&self, by: &Who) -> Result<Vec<(String, Instant)>, AccessError> {
        by.must(Action::ManageSecrets)?;
        let db = self.db();
        let mut statement = db.prepare_cached("SELECT name, updated_at FROM sealed ORDER BY name")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, instant(row.get(1)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Removes a secret; gives whether there was one.
    pub fn remove_secret(&self, by: &Who, name: &str, now: Instant) -> Result<bool, AccessError> {
        by.must(Action::ManageSecrets)?;
        self.write(|db| {
            let gone = db.execute("DELETE FROM sealed WHERE name = ?1", [name])? > 0;
            if gone {
                note(db, by, "remove_secret", name, &json!({}), now)?;
            }
            Ok(gone)
        })
    }

    /// Seals every secret with another key, all or none. Gives how many. Whoever keeps the key in `NETNEW_SECRET_KEY`
    /// changes it there afterwards.
    pub fn rotate(
        &self,
        by: &Who,
        old: &SecretKey,
        new: &SecretKey,
        now: Instant,
    ) -> Result<usize, AccessError> {
        by.must(Action::ManageSecrets)?;
        self.write(|db| reseal(db, by, old, new, now))
    }

    /// Makes a new `secret.key` and seals every secret with it. A crash at any instant leaves the key that fits.
    pub fn rotate_file(&self, by: &Who, now: Instant) -> Result<usize, AccessError> {
        by.must(Action::ManageSecrets)?;
        let count = self.write(|db| {
            let old = self.key_of_file(db)?;
            let new = SecretKey::make()?;
            write_key(self.files(), self.dir(), NEXT, &new)?;
            reseal(db, by, &old, &new, now)
        })?;
        self.secret_key(None)?;
        Ok(count)
    }
}
