# The lane, the abort, the reader and the path as a whole, on the stores in memory.
panier_test(unit_commit_lane
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/commit/lane_test.cpp ${CMAKE_CURRENT_LIST_DIR}/commit/lane_unknown_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/commit/lane_poison_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/commit/lane_mirror_test.cpp ${CMAKE_CURRENT_LIST_DIR}/commit/lane_owner_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/commit/abort_lists_test.cpp ${CMAKE_CURRENT_LIST_DIR}/commit/reader_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/commit/commit_path_test.cpp
  LINKS panier_commit panier_upkeep panier_test_memory
  LABELS unit)
