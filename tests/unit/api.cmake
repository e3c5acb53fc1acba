panier_test(unit_api
  SOURCES api/messages_test.cpp api/json_reader_test.cpp api/json_writer_test.cpp api/etag_test.cpp
          api/idempotency_test.cpp api/body_test.cpp api/cors_test.cpp api/health_test.cpp api/cart_api_test.cpp
          api/cart_errors_test.cpp api/articles_test.cpp api/ops_api_test.cpp api/receipt_test.cpp
  LINKS panier_api
  LABELS unit)
