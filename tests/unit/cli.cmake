panier_test(unit_cli
  SOURCES cli/load_config_test.cpp
  LINKS panier_cli
  LABELS unit)
