add_library(panier_test_mongo STATIC ${CMAKE_CURRENT_LIST_DIR}/mongo_servers.cpp)
target_link_libraries(
  panier_test_mongo
  PUBLIC panier_test_support
  PRIVATE panier_warnings)
target_compile_definitions(panier_test_mongo PRIVATE BUILD_FERRETDB="${PROJECT_SOURCE_DIR}/scripts/build-ferretdb")
