panier_test(memory_contract_test
            SOURCES ${CMAKE_CURRENT_LIST_DIR}/memory_contract_test.cpp
            LINKS panier_test_memory
            LABELS contract
            TIMEOUT 120)
