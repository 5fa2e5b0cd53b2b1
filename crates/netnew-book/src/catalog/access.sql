-- Tables of netnew-access. Instants are microseconds since 1970, hashes are SHA-256.
CREATE TABLE users (
  id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT NOT NULL UNIQUE, role TEXT NOT NULL, password TEXT NOT NULL,
  created_at INTEGER NOT NULL, password_at INTEGER NOT NULL, disabled_at INTEGER
) STRICT;
-- One-time links: setup of the owner, invitations, new passwords.
CREATE TABLE one_time_links (
  hash BLOB PRIMARY KEY, kind TEXT NOT NULL, email TEXT, role TEXT, created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
) STRICT;
CREATE TABLE sessions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE, user INTEGER NOT NULL REFERENCES users (id),
  created_at INTEGER NOT NULL, seen_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, address TEXT, agent TEXT
) STRICT;
CREATE INDEX sessions_user ON sessions (user);
CREATE TABLE login_failures (
  who BLOB PRIMARY KEY, failures INTEGER NOT NULL, last_at INTEGER NOT NULL, blocked_until INTEGER NOT NULL
) STRICT;
CREATE INDEX login_failures_last ON login_failures (last_at);
CREATE TABLE api_keys (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, scope TEXT NOT NULL, prefix TEXT NOT NULL,
  hash BLOB NOT NULL UNIQUE, created_at INTEGER NOT NULL, created_by TEXT NOT NULL, used_at INTEGER, revoked_at INTEGER
) STRICT;
CREATE UNIQUE INDEX api_keys_name ON api_keys (name) WHERE revoked_at IS NULL;
CREATE TABLE share_links (
  id INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE, path TEXT NOT NULL, query TEXT NOT NULL,
  label TEXT NOT NULL, created_by TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
  used_at INTEGER, revoked_at INTEGER
) STRICT;
CREATE TABLE sealed (
  name TEXT PRIMARY KEY, key_id BLOB NOT NULL, nonce BLOB NOT NULL, sealed BLOB NOT NULL, updated_at INTEGER NOT NULL
) STRICT;
CREATE TABLE documents (key TEXT PRIMARY KEY, value TEXT NOT NULL, updated_at INTEGER NOT NULL) STRICT;
CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, actor TEXT NOT NULL, address TEXT, action TEXT NOT NULL,
  subject TEXT NOT NULL, detail TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the trail is only added to'); END;
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the trail is only added to'); END;
