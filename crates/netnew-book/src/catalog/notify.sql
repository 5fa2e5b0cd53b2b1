CREATE TABLE alert_rules (name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT;
CREATE TABLE notify_channels (
  name TEXT PRIMARY KEY, target TEXT NOT NULL, since INTEGER NOT NULL, begun INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE notify_schedules (name TEXT PRIMARY KEY, settings TEXT NOT NULL, since INTEGER NOT NULL) STRICT;
CREATE TABLE notify_marks (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE notify_messages (
  id TEXT PRIMARY KEY, channel TEXT NOT NULL, kind TEXT NOT NULL, recipient TEXT, subject TEXT NOT NULL, body TEXT,
  state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, next_at INTEGER NOT NULL, created_at INTEGER NOT NULL,
  done_at INTEGER, said TEXT
) STRICT;
CREATE INDEX notify_messages_due ON notify_messages (state, next_at);
CREATE TABLE notify_deliveries (
  id TEXT PRIMARY KEY, channel TEXT NOT NULL, alert TEXT NOT NULL, body TEXT, state TEXT NOT NULL,
  message TEXT, created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX notify_deliveries_state ON notify_deliveries (state, channel);
