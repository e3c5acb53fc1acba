panier_test(unit_catalogue
  SOURCES catalogue/decimal_test.cpp catalogue/article_test.cpp catalogue/cache_test.cpp catalogue/breaker_test.cpp
          catalogue/journey_test.cpp catalogue/desk_test.cpp catalogue/catalogue_test.cpp
  LINKS panier_catalogue panier_test_support rapidcheck rapidcheck_gtest
  LABELS unit)
