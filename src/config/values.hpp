// Checks of single values, each told in words that follow "SETTING: ". Pure; private to this room.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "result/result.hpp"

namespace panier::config {

// Decimal digits alone, from min to max.
[[nodiscard]] Result<std::int64_t> whole_number(std::string_view text, std::int64_t min,
                                                std::int64_t max, std::string_view unit);
// An IPv4 or IPv6 address, without brackets.
[[nodiscard]] Result<std::string> ip_address(std::string_view text);
// A host name or address: no spaces, no scheme, no port.
[[nodiscard]] Result<std::string> host_name(std::string_view text);
// Printable text of 1 to bytes_max bytes. The error does not show it.
[[nodiscard]] Result<std::string> plain_text(std::string_view text, std::size_t bytes_max);
// http:// or https://, a host, no credentials, query or fragment, and a '/' at its end.
[[nodiscard]] Result<std::string> http_url(std::string_view text);
// Comma-separated origins as browsers send them. "*" is the caller's.
[[nodiscard]] Result<std::vector<std::string>> origins(std::string_view text);

// `text` for an error line: in quotes, control characters as '?', cut.
[[nodiscard]] std::string quoted(std::string_view text);

} // namespace panier::config
