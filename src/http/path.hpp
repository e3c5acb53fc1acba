// The text rules of paths and header names that the transport's parts share.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace panier::http {

// ASCII only, as RFC 9110 has it for header names and tokens.
[[nodiscard]] bool equals_ignoring_case(std::string_view left, std::string_view right) noexcept;

// Each %XX once, everything else as it is ("+" stays a plus). nullopt: a % without two hex digits.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);

// The path of a request target, without the query: of origin-form ("/a?b") and, as RFC 9112
// section 3.2.2 demands of every server, of absolute-form ("http://host/a?b"). "*" only when
// `asterisk`. nullopt: none of these, a fragment, or a % without two hex digits in the path.
[[nodiscard]] std::optional<std::string_view> path_of_target(std::string_view target,
                                                             bool asterisk);

} // namespace panier::http
