// A request's body as fields: media type, JSON, then each field by its rules. The error names the
// field.
#pragma once

#include "api/json_reader.hpp"
#include "cart/identity.hpp"
#include "cart/quantity.hpp"
#include "http/message.hpp"
#include "result/result.hpp"

namespace panier::api {

// Where a body is expected. unsupported_media_type: a Content-Type other than application/json
// (charset utf-8 or none), or a compressed body; a request without Content-Type is taken for JSON.
// Unknown members are ignored: a newer front must be able to talk to an older service.
[[nodiscard]] Result<JsonObject> read_body(const http::Request& request);

// A string, or a JSON integer, which is kept as its text. invalid_field when it is neither or
// absent.
[[nodiscard]] Result<cart::LineKey> read_article_id(const JsonObject& body);

// A JSON number or a numeric string; 1 when absent. null is not absent. invalid_field otherwise.
[[nodiscard]] Result<cart::Quantity> read_quantity(const JsonObject& body);

// A string member, which must be there. invalid_field otherwise.
[[nodiscard]] Result<std::string> read_text(const JsonObject& body, std::string_view field);

} // namespace panier::api
