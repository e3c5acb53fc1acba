// contract/openapi.yaml as it was when this binary was built.
#pragma once

#include <string_view>

namespace panier::api {

[[nodiscard]] std::string_view contract_yaml() noexcept;

} // namespace panier::api
