// Reads a request's body: one JSON object, strictly. Numbers keep their text, so that
// 0.30000000000000004 and 1e400 are still what the client wrote when a field judges them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "result/result.hpp"

namespace panier::api {

struct JsonValue {
  enum class Kind : std::uint8_t { string, number, boolean, null, array, object };
  Kind kind = Kind::null;
  std::string text; // string: unescaped UTF-8; number: as it stands in the body; boolean: "true" or
                    // "false"; else empty
};

// The members of the outermost object. What stands inside arrays and inner objects is checked, then
// forgotten: no field of ours is one.
using JsonObject = std::map<std::string, JsonValue, std::less<>>;

inline constexpr std::size_t json_depth_max =
    16; // levels of arrays and objects, the outermost object included

// malformed_json: not JSON (RFC 8259, UTF-8 without a BOM), not an object, or nested too deep.
// duplicate_json_key: at any depth. invalid_field: a number of it has an exponent of 10 digits or
// more. The body's size is the transport's business
// (PANIER_BODY_MAX_BYTES).
[[nodiscard]] Result<JsonObject> parse_json_object(std::string_view body);

} // namespace panier::api
