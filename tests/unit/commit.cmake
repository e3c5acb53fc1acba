panier_test(unit_commit
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/commit/protocol_settle_test.cpp ${CMAKE_CURRENT_LIST_DIR}/commit/protocol_reserve_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/commit/protocol_mirror_test.cpp ${CMAKE_CURRENT_LIST_DIR}/commit/write_queue_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/commit/parking_test.cpp
  LINKS panier_commit panier_test_support
  LABELS unit)
