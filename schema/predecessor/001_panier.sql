-- The table as the service before panier made it. `panier migrate --undo` makes it anew where the original is gone.
CREATE TABLE IF NOT EXISTS panier_predecessor (
  id_maria   INT(11) UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  id         VARCHAR(24) NOT NULL,
  user_id    VARCHAR(24) NOT NULL,
  articles   LONGTEXT,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  UNIQUE KEY uq_panier_id (id),
  KEY idx_panier_user (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
