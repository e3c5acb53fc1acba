// Request targets and the identities in them: one decoding, no normalising, and every identity
// comes back from its text. Each input is tried as a target, a path's segment, an entity tag and an
// id.
#include "api/etag.hpp"
#include "cart/identity.hpp"
#include "fuzz.hpp"
#include "http/path.hpp"
#include "http/router.hpp"

namespace panier::fuzz {
namespace {

using http::Method;
using http::Request;

std::string percent_encoded(std::string_view text) {
  static constexpr std::string_view digits = "0123456789aBcDeF"; // of either case
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    encoded += {'%', digits[byte >> 4U], digits[byte & 15U]};
  }
  return encoded;
}

const http::Router& router() {
  static const auto made = [] {
    http::Router all([](const Error& error) {
      http::Response response;
      response.status = error.code == Errc::route_not_found ? 404 : 400;
      return response;
    });
    all.add(Method::get, "/p/health", "health", [](Request&&, http::Respond) {});
    all.add(Method::get, "/p/{user}", "get", [](Request&&, http::Respond) {});
    all.add(Method::patch, "/p/add/{user}", "add", [](Request&&, http::Respond) {});
    return all;
  }();
  return made;
}

struct Routed {
  std::string_view route;
  std::vector<std::string> params;
  unsigned status;
  friend bool operator==(const Routed&, const Routed&) = default;
};

Routed routed(Method method, std::string path) {
  Request request;
  request.method = method;
  request.path = std::move(path);
  const auto match = router().match(request);
  for (const auto& param : request.params)
    promise(!param.empty(), "a parameter is never empty");
  return {match.route, request.params, match.handler == nullptr ? match.error.status : 0};
}

void check_target(std::string_view target) {
  for (const bool asterisk : {false, true}) {
    const auto path = http::path_of_target(target, asterisk);
    if (!path) continue;
    promise(path->starts_with('/') || (asterisk && *path == "*"), "a path starts with a slash",
            *path);
    promise(path->find_first_of("?#") == path->npos, "a path has no query or fragment", *path);
    promise(http::path_of_target(*path, asterisk) == path, "the path of a path is itself", *path);
    promise(http::percent_decoded(*path).has_value(), "a path can be decoded", *path);
    (void)routed(Method::get, std::string(*path));
  }
}

// However a segment is encoded, it names the same thing; an encoded slash never splits it.
void check_segment(std::string_view segment) {
  const auto encoded = percent_encoded(segment);
  promise(http::percent_decoded(encoded) == segment, "a segment comes back from its encoding");
  const auto got = routed(Method::get, "/p/" + encoded);
  if (segment.empty()) {
    promise(got.status == 404, "an empty segment is no parameter");
  } else if (segment == "health") {
    promise(got.route == "health", "a literal wins, encoded or not");
  } else {
    promise(got.route == "get" && got.params == std::vector{std::string(segment)},
            "a parameter is its segment, decoded once");
  }
  if (segment.find_first_of("/%?#") == segment.npos)
    promise(routed(Method::get, "/p/" + std::string(segment)) == got, "encoded or not is the same");
  promise(routed(Method::patch, "/p/add/" + encoded).params ==
              (segment.empty() ? std::vector<std::string>{} : std::vector{std::string(segment)}),
          "in every place");
}

template <class Id>
void check_hex(std::string_view text) {
  if (const auto id = Id::parse(text)) promise(id->hex() == text, "an id has one text", text);
}

void check_ids(std::string_view text) {
  const auto user = cart::UserId::parse(text);
  promise(user.has_value() == cart::is_identifier(text), "a user is an identifier");
  if (user) {
    promise(text.size() <= 64 && user->text() == text, "a user is its text", text);
    promise(text.find_first_of(std::string_view("/%?#\"'\\ \0", 9)) == text.npos,
            "an identifier needs no escape anywhere", text);
  }
  const auto key = cart::LineKey::parse(text);
  promise(key.has_value() == user.has_value(), "an article is named as a user is");
  check_hex<cart::CartId>(text);
  check_hex<cart::Token>(text);
}

void check_tags(std::string_view text) {
  http::Headers headers;
  headers.add("If-Match", std::string(text));
  const auto match = api::parse_if_match(headers);
  promise(match || match.error().code == Errc::invalid_if_match, "an error names the header");
  if (!match) return;
  promise(match->has_value(), "a header that is there says something");
  for (const auto version : (*match)->versions)
    promise(std::string(text).find('"' + std::to_string(version)) != std::string::npos,
            "a version is one that stands there", text);
  if ((*match)->any) promise(api::names_etag(text, "\"1\""), "* names every tag", text);
  // Only what we would write of a cart can be named by it.
  for (const auto version : (*match)->versions) {
    http::Headers again;
    again.add("If-Match", "W/" + api::version_etag(version));
    const auto parsed = api::parse_if_match(again);
    promise(parsed && *parsed && (*parsed)->versions == std::vector{version},
            "a version comes back from its tag");
  }
}

void check(std::string_view text) {
  check_target(text);
  check_segment(text);
  check_ids(text);
  check_tags(text);
}

} // namespace
} // namespace panier::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  panier::fuzz::check(panier::fuzz::text_of(data, size));
  return 0;
}
