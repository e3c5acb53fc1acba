#include "service/cart_service.hpp"
