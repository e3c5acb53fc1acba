# On the wire double: no server, no network but the loopback.
panier_test(
  contract_mongo
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/mongo_mirror_test.cpp ${CMAKE_CURRENT_LIST_DIR}/mongo_faults_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/mongo_documents_test.cpp ${CMAKE_CURRENT_LIST_DIR}/mongo_uri_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/mongo_double_test.cpp ${CMAKE_CURRENT_LIST_DIR}/mongo_sanitizer.cpp
  LINKS panier_store_mongo panier_test_wire PkgConfig::MONGOC
  LABELS contract
  SINGLE
  TIMEOUT 180)

# On FerretDB, and on the server named in PANIER_TEST_MONGO_URI. The first run builds FerretDB.
panier_test(
  contract_mongo_servers
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/mongo_servers_test.cpp
  LINKS panier_store_mongo panier_test_mongo
  LABELS contract servers
  SINGLE
  TIMEOUT 600)
