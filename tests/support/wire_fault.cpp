#include "support/wire_fault.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace panier::support {
namespace {

using enum WireFault::Kind;
constexpr std::array<std::pair<WireFault::Kind, std::string_view>, 10> names{{
    {error, "error"},
    {write_errors, "write_errors"},
    {short_bulk, "short_bulk"},
    {write_concern_error, "write_concern_error"},
    {delay, "delay"},
    {drop_before, "drop_before"},
    {drop_after, "drop_after"},
    {half_reply, "half_reply"},
    {hang_before, "hang_before"},
    {hang_after, "hang_after"},
}};

} // namespace

std::string_view to_string(WireFault::Kind kind) {
  return std::ranges::find(names, kind, &decltype(names)::value_type::first)->second;
}

std::optional<WireFault::Kind> parse_fault_kind(std::string_view name) {
  const auto* at = std::ranges::find(names, name, &decltype(names)::value_type::second);
  return at == names.end() ? std::nullopt : std::optional(at->first);
}

} // namespace panier::support
