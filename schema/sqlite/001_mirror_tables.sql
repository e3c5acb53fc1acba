-- The mirror of the embedded mode: one row per MongoDB document. Times are ms since 1970 UTC.
CREATE TABLE panier (
  _id        TEXT NOT NULL UNIQUE,
  user_id    TEXT NOT NULL,
  id_maria   INTEGER NOT NULL,
  articles   TEXT NOT NULL,
  version    INTEGER NOT NULL,
  token      BLOB NOT NULL,
  updated_at INTEGER NOT NULL,
  deleted_at INTEGER
) STRICT;
CREATE UNIQUE INDEX user_id_1 ON panier (user_id);
