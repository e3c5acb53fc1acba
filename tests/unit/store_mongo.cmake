panier_test(store_mongo_test
  SOURCES store/mongo_document_test.cpp store/mongo_replies_test.cpp
  LINKS panier_store_mongo PkgConfig::MONGOC
  LABELS unit)
