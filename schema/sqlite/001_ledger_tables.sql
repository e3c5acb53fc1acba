-- The ledger of the embedded mode. Times are ms since 1970 UTC. The columns of `panier` are the platform's and ours, as
-- in MariaDB; articles is the same JSON text.
CREATE TABLE panier (
  id_maria   INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice, also after a purge
  id         TEXT NOT NULL UNIQUE,
  user_id    TEXT NOT NULL,                     -- compared byte by byte
  articles   TEXT NOT NULL,
  version    INTEGER NOT NULL,
  token      BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  deleted_at INTEGER                            -- NULL: the cart exists
) STRICT;
CREATE UNIQUE INDEX uq_panier_user ON panier (user_id);
CREATE INDEX panier_tombstones ON panier (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE panier_lane (
  instance   TEXT NOT NULL,
  lane       INTEGER NOT NULL,
  last_batch INTEGER NOT NULL,
  token      BLOB,                              -- NULL: nothing outstanding
  expires_at INTEGER NOT NULL,
  reserved   TEXT NOT NULL,                     -- [["user",version],..]
  in_flight  TEXT NOT NULL,
  heartbeat  INTEGER NOT NULL,
  PRIMARY KEY (instance, lane)
) STRICT, WITHOUT ROWID;

CREATE TABLE panier_mirror_lag (
  user_id    TEXT PRIMARY KEY NOT NULL,
  version    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE panier_idempotency (
  user_id     TEXT NOT NULL,
  key_hash    BLOB NOT NULL,
  fingerprint BLOB NOT NULL,
  answer      TEXT NOT NULL,
  written_at  INTEGER NOT NULL,
  PRIMARY KEY (user_id, key_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX panier_idempotency_age ON panier_idempotency (written_at);

CREATE TABLE panier_floor (
  one        INTEGER PRIMARY KEY CHECK (one = 1),
  version    INTEGER NOT NULL,
  probes     INTEGER NOT NULL                   -- counts last_batch() calls: a change that the log cannot leave out
) STRICT;
INSERT INTO panier_floor VALUES (1, 0, 0);
