-- Objects of the API under /v1 as they were sent, by id. `about` is the customer whose history they belong to; `arrival` the
-- raw record that they last came in, until that is kept as a payload.
CREATE TABLE mogul_objects (
  n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, source TEXT NOT NULL, external TEXT,
  about TEXT NOT NULL, search TEXT, body TEXT NOT NULL,
  payload INTEGER NOT NULL DEFAULT 0, row INTEGER NOT NULL DEFAULT 0, arrival INTEGER
) STRICT;
CREATE UNIQUE INDEX mogul_external ON mogul_objects (kind, source, external) WHERE external IS NOT NULL;
CREATE INDEX mogul_about ON mogul_objects (about, kind);
CREATE INDEX mogul_kind ON mogul_objects (kind, n);
CREATE INDEX mogul_search ON mogul_objects (kind, search) WHERE search IS NOT NULL;
CREATE INDEX mogul_arrival ON mogul_objects (arrival) WHERE arrival IS NOT NULL;
-- Lines and transactions, which live inside their invoices.
CREATE TABLE mogul_parts (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, invoice TEXT NOT NULL, source TEXT NOT NULL, external TEXT
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX mogul_part_external ON mogul_parts (kind, source, external) WHERE external IS NOT NULL;
CREATE INDEX mogul_part_invoice ON mogul_parts (invoice);
-- Raw requests that are durable and not yet facts, and the customers whose histories have to be told anew.
CREATE TABLE mogul_arrivals (
  id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, at INTEGER NOT NULL, record TEXT NOT NULL
) STRICT;
CREATE TABLE mogul_open (about TEXT PRIMARY KEY, arrival INTEGER NOT NULL) STRICT, WITHOUT ROWID;
