-- The ledger in MariaDB. `panier` keeps the columns that the predecessor had, as it had them, so that it stays readable
-- by what knows only those; `version`, `token` and `deleted_at` are ours. All times are UTC and written by panier: no ON
-- UPDATE, which would also move them for repairs.
CREATE TABLE IF NOT EXISTS panier (
  id_maria   INT UNSIGNED NOT NULL AUTO_INCREMENT,
  id         VARCHAR(24) NOT NULL,
  user_id    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  articles   LONGTEXT,
  created_at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  version    BIGINT NOT NULL DEFAULT 0,
  token      BINARY(16) NULL DEFAULT NULL,
  -- Set: a tombstone. Its index serves the purge and is written only when a cart comes or goes; updated_at has none,
  -- because that one would be written with every operation.
  deleted_at TIMESTAMP(3) NULL DEFAULT NULL,
  PRIMARY KEY (id_maria),
  UNIQUE KEY uq_panier_id (id),
  -- Named in every locking read (FORCE INDEX): without it the optimizer scans a small table and locks it whole.
  UNIQUE KEY uq_panier_user (user_id),
  KEY idx_panier_deleted (deleted_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- One row a lane of an instance. token is set exactly while a batch is outstanding, i.e. while one of the lists is not
-- empty: [["user",version],..].
CREATE TABLE IF NOT EXISTS panier_lane (
  instance   VARCHAR(32) NOT NULL,
  lane       INT UNSIGNED NOT NULL,
  last_batch BIGINT NOT NULL DEFAULT 0,
  token      BINARY(16) NULL DEFAULT NULL,
  expires_at DATETIME(3) NOT NULL,
  reserved   LONGTEXT NOT NULL,
  in_flight  LONGTEXT NOT NULL,
  heartbeat  DATETIME(3) NOT NULL,
  PRIMARY KEY (instance, lane)
) ENGINE=InnoDB DEFAULT CHARSET=ascii COLLATE=ascii_bin;

-- Carts whose mirror copy is known to be behind: it must reach at least this version.
CREATE TABLE IF NOT EXISTS panier_mirror_lag (
  user_id VARCHAR(64) NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=ascii COLLATE=ascii_bin;

-- SHA-256 of the Idempotency-Key, and of the request that it came with.
CREATE TABLE IF NOT EXISTS panier_idempotency (
  user_id     VARCHAR(64) NOT NULL,
  key_hash    BINARY(32) NOT NULL,
  fingerprint BINARY(32) NOT NULL,
  answer      VARCHAR(200) NOT NULL,
  written_at  DATETIME(3) NOT NULL,
  PRIMARY KEY (user_id, key_hash),
  KEY idx_panier_idempotency_written (written_at)
) ENGINE=InnoDB DEFAULT CHARSET=ascii COLLATE=ascii_bin;

-- One row: the greatest version that a purge has forgotten.
CREATE TABLE IF NOT EXISTS panier_floor (
  id      TINYINT UNSIGNED NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=ascii COLLATE=ascii_bin;
INSERT IGNORE INTO panier_floor (id, version) VALUES (1, 0);
