-- What `panier migrate` keeps beside the carts. `migration` is the version that every cart of that migration got.

-- What a cart could not hold, or held otherwise (taken_over = 1: the cart has what it means all the same), as found.
CREATE TABLE IF NOT EXISTS panier_set_aside (
  id         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  migration  BIGINT NOT NULL,
  user_id    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  origin     VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reason     VARCHAR(255) NOT NULL,
  content    LONGTEXT NOT NULL,
  whole      TINYINT(1) NOT NULL,
  taken_over TINYINT(1) NOT NULL,
  put_back   TINYINT(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (id),
  KEY idx_panier_set_aside_user (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Rows and documents whose user_id is not one for panier (1-64 of A-Z a-z 0-9 _ . : @ -), whole and as found: a row in
-- the columns that it had, a document as extended JSON.
CREATE TABLE IF NOT EXISTS panier_foreign_user (
  seq        BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  migration  BIGINT NOT NULL,
  origin     VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id    LONGTEXT NULL,
  id_maria   INT UNSIGNED NULL,
  id         VARCHAR(24) NULL,
  articles   LONGTEXT NULL,
  created_at TIMESTAMP NULL DEFAULT NULL,
  updated_at TIMESTAMP NULL DEFAULT NULL,
  document   LONGTEXT NULL,
  put_back   TINYINT(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (seq)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
-- Of a migration before there was one.
ALTER TABLE panier_foreign_user ADD COLUMN IF NOT EXISTS put_back TINYINT(1) NOT NULL DEFAULT 0;
