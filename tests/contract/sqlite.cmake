panier_test(sqlite_contract_test
            SOURCES sqlite_contract_test.cpp sqlite_test.cpp sqlite_disk_test.cpp sqlite_turns_test.cpp
            LINKS panier_store_sqlite panier_test_support SQLite::SQLite3
            LABELS contract
            TIMEOUT 120)
