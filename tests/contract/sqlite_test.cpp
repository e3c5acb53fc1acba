#include "sqlite_fixture.hpp"
