// Bytes of one connection to one request: where it ends and what it says must not depend on how the
// network cut it, and nothing gets through that another program could read in another way.
#include <optional>

#include "fuzz.hpp"
#include "http/head_scanner.hpp"
#include "http/request_parser.hpp"

namespace panier::fuzz {
namespace {

using http::HeadScanner;
using http::Request;

// Small, so that the fuzzer reaches them.
constexpr http::ParserLimits limits{
    .headers_count_max = 8, .headers_bytes_max = 512, .body_bytes_max = 128};

struct Taken {
  std::optional<Error> refused;
  bool done = false; // else, without an error: more is waited for
  Request request;
  std::size_t bytes = 0; // of the request, when it is done
  bool keep_alive = false;
};

// As http/session.cpp does it, one arrival after the other; `next(have)` says how much is there at
// the next look.
template <class Next>
Taken take(std::string_view wire, Next next) {
  Taken taken;
  HeadScanner scanner;
  http::RequestParser parser(limits, taken.request);
  bool head_done = false;
  for (std::size_t have = 0; !taken.done && have < wire.size();) {
    have = std::min(next(have), wire.size());
    if (!head_done) {
      const auto bytes = wire.substr(0, have);
      const auto found = scanner.scan(bytes);
      if (found == HeadScanner::Found::bare_lf || found == HeadScanner::Found::folded_line) {
        taken.refused = Error{Errc::bad_request, {}, "line"};
        return taken;
      }
      head_done = found == HeadScanner::Found::end;
      if ((head_done ? scanner.head_size() : bytes.size() + 1) > limits.headers_bytes_max) {
        taken.refused = Error{Errc::headers_too_large, {}, "head"};
        return taken;
      }
      if (!head_done) continue;
      if (const auto parsed = parser.head(wire.substr(0, scanner.head_size())); !parsed) {
        taken.refused = parsed.error();
        return taken;
      }
      taken.bytes = scanner.head_size();
    }
    if (!parser.done()) {
      const auto used = parser.body(wire.substr(taken.bytes, have - taken.bytes));
      if (!used) {
        taken.refused = used.error();
        return taken;
      }
      taken.bytes += *used;
    }
    taken.done = parser.done();
    taken.keep_alive = taken.done && parser.keep_alive();
  }
  return taken;
}

bool same(const Request& a, const Request& b) {
  return a.method == b.method && a.path == b.path && a.headers.all() == b.headers.all() &&
         a.body == b.body;
}

// The proportion of a chunked body's framing to its content is measured with what has come so far,
// so a cut may be refused for it where the whole passes.
bool about_proportion(const Taken& taken) {
  return taken.refused && taken.refused->detail.find("out of proportion") != std::string::npos;
}

void promise_cut_does_not_matter(const Taken& whole, const Taken& cut) {
  if (!whole.refused && about_proportion(cut)) return;
  promise(whole.refused.has_value() == cut.refused.has_value(),
          "it is refused however it was cut, or never",
          (whole.refused ? whole : cut).refused.value_or(Error{}).detail);
  promise(whole.done == cut.done, "it is complete however it was cut, or never");
  if (!whole.done) return;
  promise(whole.bytes == cut.bytes, "it ends at the same byte");
  promise(same(whole.request, cut.request), "it says the same");
  promise(whole.keep_alive == cut.keep_alive, "the connection goes on, or not");
}

bool plain(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

void promise_sound(const Request& request) {
  promise(request.path.starts_with('/') ||
              (request.path == "*" && request.method == http::Method::options),
          "a path starts with a slash", request.path);
  promise(request.path.find_first_of("?# \t") == std::string::npos && plain(request.path),
          "a path has no query, fragment or space", request.path);
  promise(request.headers.all().size() <= limits.headers_count_max, "headers are counted");
  promise(request.body.size() <= limits.body_bytes_max, "a body is within its limit");
  for (const auto& [name, value] : request.headers.all())
    promise(!name.empty() && plain(name) && plain(value), "a header is one line", name);
  promise(request.headers.count("Host") <= 1, "one Host");
  promise(request.headers.count("Content-Length") + request.headers.count("Transfer-Encoding") <= 1,
          "one framing");
}

// Written in the plainest form, it is the same request.
void promise_comes_back(const Request& request) {
  if (request.method == http::Method::other) return; // whose name is not kept
  std::string wire(to_string(request.method));
  wire.append(" ").append(request.path).append(" HTTP/1.1\r\n");
  Request expected = request;
  expected.headers = {};
  for (const auto& [name, value] : request.headers.all()) {
    Request one;
    one.headers.add(name, value);
    if (one.headers.count("Content-Length") + one.headers.count("Transfer-Encoding") +
            one.headers.count("Host") + one.headers.count("Expect") >
        0)
      continue;
    expected.headers.add(name, value);
    wire.append(name).append(": ").append(value).append("\r\n");
  }
  const auto length = std::to_string(request.body.size());
  expected.headers.add("Host", "h");
  expected.headers.add("Content-Length", length);
  wire.append("Host: h\r\nContent-Length: ").append(length).append("\r\n\r\n");
  if (wire.size() > limits.headers_bytes_max ||
      expected.headers.all().size() > limits.headers_count_max)
    return;
  wire += request.body;
  const auto again = take(wire, [&](std::size_t) { return wire.size(); });
  promise(again.done && again.bytes == wire.size(), "what was accepted is accepted again", wire);
  promise(same(again.request, expected), "and says the same", wire);
}

void check(std::string_view wire) {
  const auto whole = take(wire, [&](std::size_t) { return wire.size(); });
  const auto bytewise = take(wire, [](std::size_t have) { return have + 1; });
  const auto in_parts = take(wire, [&](std::size_t have) {
    return have + 1 + static_cast<unsigned char>(wire[have]) % 37U; // as the bytes themselves say
  });
  promise_cut_does_not_matter(whole, bytewise);
  promise_cut_does_not_matter(whole, in_parts);
  if (!whole.done) return;
  promise_sound(whole.request);
  promise_comes_back(whole.request);
}

} // namespace
} // namespace panier::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  panier::fuzz::check(panier::fuzz::text_of(data, size));
  return 0;
}
