# In an ordinary test build: the scenario is built beside it as the product is released (-O2), and counted.
add_test(NAME bench.instructions COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/check.py ${PROJECT_BINARY_DIR}/guard)
set_tests_properties(bench.instructions PROPERTIES LABELS long TIMEOUT 1200 SKIP_RETURN_CODE 77)
