panier_test(config_test
  SOURCES config/env_file_test.cpp config/parse_test.cpp config/values_test.cpp config/example_test.cpp
  LINKS panier_config
  LABELS unit)
target_compile_definitions(config_test PRIVATE PANIER_ENV_EXAMPLE="${PROJECT_SOURCE_DIR}/config/panier.env.example")
