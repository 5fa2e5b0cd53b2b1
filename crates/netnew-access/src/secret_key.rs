//! The key that seals secrets. It is never in the catalog: whoever takes `book.db` or a backup has no use for what is
//! sealed in it.

use crate::error::AccessError;
use crate::token::random;
use sha2::{Digest, Sha256};
use std::fmt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

pub(crate) const FILE: &str = "secret.key";

/// A key of 256 bits. Debug output shows only [`SecretKey::id`].
#[derive(Clone)]
pub struct SecretKey(pub(crate) Zeroizing<[u8; 32]>);

impl SecretKey {
    /// A new key.
    pub fn make() -> Result<SecretKey, AccessError> {
        Ok(SecretKey(Zeroizing::new(random()?)))
    }

    /// From 64 hexadecimal digits. `from` says where they came from, for errors; the digits are in none.
    pub fn from_hex(text: &str, from: &str) -> Result<SecretKey, AccessError> {
        let bad = |what| AccessError::BadSecretKey { from: from.into(), what };
        let digits = text.trim().as_bytes();
        if digits.len() != 64 {
            return Err(bad("it has not 64 digits"));
        }
        let mut key = Zeroizing::new([0u8; 32]);
        for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |b: u8| {
                char::from(b).to_digit(16).ok_or_else(|| bad("it has other digits than 0 to 9 and a to f"))
            };
            *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
        }
        if key.iter().all(|byte| *byte == key[0]) {
            return Err(bad("all its bytes are alike"));
        }
        Ok(SecretKey(key))
    }

    /// As 64 hexadecimal digits, for its file.
    pub(crate) fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(crate::token::hex(&*self.0))
    }

    /// Which key this is, without giving it away.
    pub fn id(&self) -> [u8; 8] {
        let digest =
            Sha256::new().chain_update(b"netnew key id 1\n").chain_update(self.0.as_slice()).finalize();
        digest[..8].try_into().expect("a digest is longer than eight bytes")
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", crate::token::hex(&self.id()))
    }
}

/// Reads a key file that only its owner may read; `None` when there is none.
pub(crate) fn read(path: &Path) -> Result<Option<SecretKey>, AccessError> {
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;
    let io = |source| AccessError::Io { path: PathBuf::from(path), source };
    let mut file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    let mode = file.metadata().map_err(io)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(AccessError::LooseKeyFile { path: path.into(), mode });
    }
    let mut text = Zeroizing::new(String::new());
    file.by_ref().take(1000).read_to_string(&mut text).map_err(io)?;
    SecretKey::from_hex(&text, &path.display().to_string()).map(Some)
}
