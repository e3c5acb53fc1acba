# The service on the commit path and the stores in memory, and an articles service that says what the test wants.
panier_test(unit_service
  SOURCES service/stock_test.cpp service/live_cart_service_test.cpp
  LINKS panier_service panier_upkeep panier_test_memory
  LABELS unit)
