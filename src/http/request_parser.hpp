// One request from bytes to a Request. Beast tokenises; what this parser adds is the strictness
// about framing that Beast 1.81 lacks, because two programs that disagree about where a request
// ends is how requests are smuggled. Private to the transport: includes Beast.
#pragma once

#include <cstdint>
#include <string_view>

#include <boost/beast/http/basic_parser.hpp>

#include "http/message.hpp"

namespace panier::http {

struct ParserLimits {
  std::size_t headers_count_max;
  std::size_t headers_bytes_max; // of the head; also what a chunked body may spend on sizes,
                                 // extensions, trailers
  std::size_t body_bytes_max;    // after de-chunking
};

class RequestParser final : private boost::beast::http::basic_parser<true> {
public:
  // Fills `request`, which must outlive this parser.
  RequestParser(const ParserLimits& limits, Request& request);

  // A whole head, empty line included (HeadScanner finds it). After an error the connection cannot
  // be read further.
  [[nodiscard]] Result<void> head(std::string_view bytes);
  // Takes what it can of the body and says how much that was; what it leaves, it wants to see again
  // with more behind.
  [[nodiscard]] Result<std::size_t> body(std::string_view bytes);

  [[nodiscard]] bool done() const { return is_done(); }
  [[nodiscard]] bool keep_alive() const { return basic_parser::keep_alive(); }
  [[nodiscard]] bool http_1_0() const noexcept { return version_ == 10; }
  // The client waits for a 100 before it sends the body.
  [[nodiscard]] bool expects_continue() const noexcept { return expects_continue_; }

private:
  using string_view = boost::beast::string_view;
  using error_code = boost::beast::error_code;
  using field = boost::beast::http::field;

  void on_request_impl(boost::beast::http::verb verb, string_view method, string_view target,
                       int version, error_code& ec) override;
  void on_field_impl(field name, string_view text, string_view value, error_code& ec) override;
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code& ec) override;
  std::size_t on_body_impl(string_view bytes, error_code& ec) override;
  void on_chunk_header_impl(std::uint64_t size, string_view extensions, error_code& ec) override;
  std::size_t on_chunk_body_impl(std::uint64_t remain, string_view bytes, error_code& ec) override;
  void on_finish_impl(error_code&) override {}
  void on_response_impl(int, string_view, int, error_code&) override {} // requests only

  [[nodiscard]] Result<void> check_framing() const;
  [[nodiscard]] Result<void> check_chunks(std::string_view left) const;
  [[nodiscard]] Result<void> check_host() const;
  [[nodiscard]] Result<void> check_expectation();
  void refuse(Errc code, const char* detail, error_code& ec);
  [[nodiscard]] Error problem(const error_code& ec) const;

  const ParserLimits limits_;
  Request& request_;
  Error refused_; // by a callback, which can only hand Beast an error_code
  bool has_refused_ = false;
  bool head_done_ = false; // fields after it are trailers, and dropped
  bool chunked_ = false;
  bool expects_continue_ = false;
  int version_ = 11;
  std::size_t content_lengths_ = 0;
  std::size_t transfer_encodings_ = 0;
  bool only_chunked_ = true; // every Transfer-Encoding said exactly "chunked"
  std::size_t body_wire_bytes_ = 0;
};

} // namespace panier::http
