panier_test(unit_migrate
  SOURCES migrate/reading_test.cpp migrate/merge_test.cpp migrate/identity_test.cpp
  LINKS panier_migrate
  LABELS unit)
