panier_test(unit_store_lines
  SOURCES store/lines_json_test.cpp
  LINKS panier_store_lines
  LABELS unit)
