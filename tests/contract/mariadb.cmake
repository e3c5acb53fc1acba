# Many tests on two servers: an entry for each test would start them again for each.
panier_test(
  contract_mariadb
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/mariadb_ledger.cpp ${CMAKE_CURRENT_LIST_DIR}/mariadb_locks.cpp
          ${CMAKE_CURRENT_LIST_DIR}/mariadb_faults.cpp ${CMAKE_CURRENT_LIST_DIR}/mariadb_reserved.cpp
  LINKS panier_store_mariadb panier_test_mariadb
  LABELS contract servers
  SINGLE
  TIMEOUT 300)
