panier_test(runtime_test
  SOURCES runtime/bytes_test.cpp runtime/failure_log_test.cpp runtime/log_test.cpp runtime/metrics_test.cpp
          runtime/store_state_test.cpp
  LINKS panier_runtime panier_test_support
  LABELS unit)
