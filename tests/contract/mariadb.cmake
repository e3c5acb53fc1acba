#One server a program and many tests : an entry for each test would start it again for each.
panier_test(contract_mariadb SOURCES ${CMAKE_CURRENT_LIST_DIR} /
            mariadb_ledger.cpp LINKS panier_store_mariadb panier_test_mariadb LABELS contract SINGLE
                TIMEOUT 300)
