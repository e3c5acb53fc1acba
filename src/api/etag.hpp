// Entity tags: `"<version>"`, or `"<version>-<hash>"` where the body says more than the version
// does (articles, a degraded read). If-Match looks at the version alone; If-None-Match at the whole
// tag.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cart/cart.hpp"
#include "http/message.hpp"
#include "result/result.hpp"

namespace panier::api {

[[nodiscard]] std::string version_etag(cart::Version version);
[[nodiscard]] std::string hashed_etag(cart::Version version, std::string_view body);
// For a document without a version.
[[nodiscard]] std::string document_etag(std::string_view body);

// nullopt without the header. invalid_if_match: neither `*` nor a list of entity tags. `W/` is
// ignored (a proxy that compresses weakens a tag), and a well-formed tag that cannot be ours
// matches no cart.
[[nodiscard]] Result<std::optional<cart::IfMatch>> parse_if_match(const http::Headers& headers);

// Does If-None-Match (all its lines, joined) name this tag? `*` names every one; what cannot be
// parsed names none, so that the client gets the whole answer.
[[nodiscard]] bool names_etag(std::string_view if_none_match, std::string_view etag);

} // namespace panier::api
