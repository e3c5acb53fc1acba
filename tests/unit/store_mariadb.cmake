panier_test(unit_store_mariadb
  SOURCES store/mariadb_errors_test.cpp
  LINKS panier_store_mariadb
  LABELS unit)
