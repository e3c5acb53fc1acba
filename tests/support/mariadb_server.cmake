add_library(panier_test_mariadb STATIC ${CMAKE_CURRENT_LIST_DIR}/mariadb_server.cpp)
target_link_libraries(
  panier_test_mariadb
  PUBLIC panier_test_support
  PRIVATE PkgConfig::MARIADB panier_warnings)
target_compile_definitions(panier_test_mariadb PRIVATE STACK_MARIADB="${PROJECT_SOURCE_DIR}/scripts/stack-mariadb")
