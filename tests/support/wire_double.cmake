add_library(panier_test_wire STATIC wire_bson.cpp wire_store.cpp wire_fault.cpp wire_commands.cpp wire_catalog.cpp wire_message.cpp
                                    wire_script.cpp wire_loop.cpp wire_double.cpp)
target_link_libraries(
  panier_test_wire
  PUBLIC panier_test_support
  PRIVATE panier_beast PkgConfig::MONGOC Threads::Threads panier_warnings)

add_executable(panier-wire-double wire_double_main.cpp)
target_link_libraries(panier-wire-double PRIVATE panier_test_wire CLI11::CLI11 panier_warnings)
set_target_properties(panier-wire-double PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
