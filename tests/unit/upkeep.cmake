panier_test(unit_upkeep
  SOURCES upkeep/duties_test.cpp upkeep/lag_repair_test.cpp upkeep/probe_test.cpp upkeep/purge_test.cpp upkeep/verify_test.cpp
  LINKS panier_upkeep panier_test_memory
  LABELS unit)
