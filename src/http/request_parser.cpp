#include "http/request_parser.hpp"

#include <algorithm>
#include <cctype>

#include "http/path.hpp"

namespace panier::http {
namespace {

namespace beast_http = boost::beast::http;

// "0\r\n\r\n". With fewer bytes than the shortest chunked body Beast 1.81 fails an assertion of its
// own (parse_chunk_header: n >= 5), so it is not asked before.
constexpr std::size_t chunked_body_bytes_min = 5;

// One byte of content in a chunk of its own takes six on the wire ("1\r\nx\r\n"); more than that on
// average, beyond the allowance for extensions and trailers, is somebody who wants to keep us busy.
constexpr std::size_t wire_bytes_per_byte_max = 8;

Method method_of(beast_http::verb verb) noexcept {
  switch (verb) {
  case beast_http::verb::get: return Method::get;
  case beast_http::verb::head: return Method::head;
  case beast_http::verb::post: return Method::post;
  case beast_http::verb::put: return Method::put;
  case beast_http::verb::patch: return Method::patch;
  case beast_http::verb::delete_: return Method::del;
  case beast_http::verb::options: return Method::options;
  default: return Method::other;
  }
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// A line that begins a chunk with content. Where Beast leaves one, an extension's value has a quote
// that is still open at the end of the line: Beast goes on looking for the other one behind it, and
// at every look takes the chunk's size off the body's limit anew.
bool whole_chunk_head(std::string_view left) {
  if (left.starts_with("\r\n")) left.remove_prefix(2); // the end of the chunk before
  const auto line = left.substr(0, left.find("\r\n"));
  const auto digit = line.find_first_not_of('0');
  return line.size() < left.size() && digit < line.size() &&
         std::isxdigit(static_cast<unsigned char>(line[digit])) != 0;
}

// reg-name, IP literal and port of RFC 3986; user information is not allowed in Host.
bool host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~:[]%!$&'()*+,;=").find(c) != std::string_view::npos;
}

} // namespace

RequestParser::RequestParser(const ParserLimits& limits, Request& request)
    : limits_(limits), request_(request) {
  eager(true);
  header_limit(static_cast<std::uint32_t>(limits.headers_bytes_max));
  body_limit(limits.body_bytes_max);
}

Result<void> RequestParser::head(std::string_view bytes) {
  error_code ec;
  put({bytes.data(), bytes.size()}, ec);
  head_done_ = true;
  const bool too_large = ec == beast_http::error::body_limit; // said by a valid Content-Length
  if (ec && !too_large) return std::unexpected(problem(ec));
  // Before the limit: a Content-Length that is said twice is a smuggler's, however large.
  if (auto framing = check_framing(); !framing) return framing;
  if (auto host = check_host(); !host) return host;
  if (too_large) return fail(Errc::body_too_large, "Content-Length above the limit");
  return check_expectation();
}

Result<std::size_t> RequestParser::body(std::string_view bytes) {
  const bool begun = body_wire_bytes_ > 0;
  if (bytes.empty() || (chunked_ && !begun && bytes.size() < chunked_body_bytes_min)) return 0;
  error_code ec;
  const std::size_t used = put({bytes.data(), bytes.size()}, ec);
  if (ec && ec != beast_http::error::need_more) return std::unexpected(problem(ec));
  body_wire_bytes_ += used;
  if (chunked_) {
    if (auto framing = check_chunks(bytes.substr(used)); !framing)
      return std::unexpected(std::move(framing.error()));
  }
  return used;
}

void RequestParser::on_request_impl(beast_http::verb verb, string_view, string_view target,
                                    int version, error_code& ec) {
  version_ = version;
  request_.method = method_of(verb);
  if (verb == beast_http::verb::unknown) {
    return refuse(Errc::not_implemented, "unknown method", ec);
  }
  const auto path = path_of_target(std::string_view(target.data(), target.size()),
                                   request_.method == Method::options);
  if (!path) return refuse(Errc::bad_request, "request target", ec);
  request_.path = *path;
}

void RequestParser::on_field_impl(field name, string_view text, string_view value, error_code& ec) {
  if (head_done_) return; // a trailer
  if (request_.headers.all().size() >= limits_.headers_count_max) {
    return refuse(Errc::headers_too_large, "too many headers", ec);
  }
  const std::string_view content(value.data(), value.size());
  if (name == field::content_length) {
    ++content_lengths_;
    if (!all_digits(content)) return refuse(Errc::bad_request, "Content-Length", ec);
  } else if (name == field::transfer_encoding) {
    ++transfer_encodings_;
    only_chunked_ = only_chunked_ && equals_ignoring_case(content, "chunked");
    chunked_ = only_chunked_;
  }
  request_.headers.add(std::string(text), std::string(content));
}

Result<void> RequestParser::check_framing() const {
  if (content_lengths_ > 1) return fail(Errc::bad_request, "more than one Content-Length");
  if (transfer_encodings_ == 0) return {};
  if (content_lengths_ > 0) {
    return fail(Errc::bad_request, "Content-Length and Transfer-Encoding");
  }
  if (transfer_encodings_ > 1) return fail(Errc::bad_request, "more than one Transfer-Encoding");
  if (http_1_0()) return fail(Errc::bad_request, "Transfer-Encoding in HTTP/1.0");
  if (!only_chunked_) return fail(Errc::not_implemented, "a Transfer-Encoding but \"chunked\"");
  return {};
}

// `left`: what Beast did not take. Of a body that is not complete that is a chunk's head or the
// trailers; else it is the next request.
Result<void> RequestParser::check_chunks(std::string_view left) const {
  const std::size_t wire_bytes_max =
      limits_.headers_bytes_max + wire_bytes_per_byte_max * request_.body.size();
  if (is_done()) left = {};
  if (body_wire_bytes_ > wire_bytes_max || left.size() > limits_.headers_bytes_max)
    return fail(Errc::bad_request, "chunk extensions or trailers out of proportion");
  if (whole_chunk_head(left)) return fail(Errc::bad_request, "chunk extension");
  return {};
}

Result<void> RequestParser::check_host() const {
  const std::size_t hosts = request_.headers.count("Host");
  if (hosts > 1 || (hosts == 0 && !http_1_0())) {
    return fail(Errc::bad_request, hosts > 1 ? "more than one Host" : "no Host");
  }
  const std::string* host = request_.headers.find("Host");
  if (host != nullptr && !std::ranges::all_of(*host, host_character)) {
    return fail(Errc::bad_request, "Host");
  }
  return {};
}

Result<void> RequestParser::check_expectation() {
  if (http_1_0()) return {}; // RFC 9110 section 10.1.1: to be ignored
  const std::size_t expectations = request_.headers.count("Expect");
  if (expectations == 0) return {};
  if (!equals_ignoring_case(request_.headers.joined("Expect"), "100-continue")) {
    return fail(Errc::expectation_failed, request_.headers.joined("Expect"));
  }
  expects_continue_ = !done();
  return {};
}

void RequestParser::on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) {
  if (length) request_.body.reserve(static_cast<std::size_t>(*length)); // within the limit by now
}

std::size_t RequestParser::on_body_impl(string_view bytes, error_code&) {
  request_.body.append(bytes.data(), bytes.size());
  return bytes.size();
}

void RequestParser::on_chunk_header_impl(std::uint64_t, string_view extensions, error_code& ec) {
  // Beast lets a quoted extension value hold a bare LF, which others take for the end of the line.
  if (extensions.find('\n') != string_view::npos) refuse(Errc::bad_request, "chunk extension", ec);
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, string_view bytes, error_code& ec) {
  return on_body_impl(bytes, ec);
}

void RequestParser::refuse(Errc code, const char* detail, error_code& ec) {
  refused_ = Error{code, {}, detail};
  has_refused_ = true;
  ec = beast_http::error::bad_field; // any: problem() tells refused_
}

Error RequestParser::problem(const error_code& ec) const {
  if (has_refused_) return refused_;
  if (ec == beast_http::error::body_limit) return {Errc::body_too_large, {}, ec.message()};
  if (ec == beast_http::error::header_limit) return {Errc::headers_too_large, {}, ec.message()};
  return {Errc::bad_request, {}, ec.message()};
}

} // namespace panier::http
