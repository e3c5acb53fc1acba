# The ports in memory, with faults to order.
add_library(panier_test_memory STATIC ${CMAKE_CURRENT_LIST_DIR}/memory_ledger.cpp
                                      ${CMAKE_CURRENT_LIST_DIR}/memory_ledger_transaction.cpp
                                      ${CMAKE_CURRENT_LIST_DIR}/memory_mirror.cpp)
target_link_libraries(
  panier_test_memory
  PUBLIC panier_test_support panier_commit_ports panier_runtime
  PRIVATE panier_warnings)
