find_package(rapidcheck REQUIRED)
panier_test(unit_cart
  SOURCES cart/quantity_test.cpp cart/identity_test.cpp cart/apply_test.cpp cart/apply_ceiling_test.cpp cart/apply_property_test.cpp
  LINKS panier_cart rapidcheck rapidcheck_gtest
  LABELS unit)
