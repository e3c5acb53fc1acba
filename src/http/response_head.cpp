#include "http/response_head.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include <boost/beast/http/status.hpp>

namespace panier::http {
namespace {

void append_number(std::string& out, std::size_t number) {
  std::array<char, 20> digits; // of 2^64
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

constexpr bool is_control(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte < ' ' || byte == 0x7f;
}

void append_text(std::string& out, std::string_view text) {
  const auto from = static_cast<std::ptrdiff_t>(out.size());
  out += text;
  std::replace_if(out.begin() + from, out.end(), is_control, ' ');
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  append_text(out, name);
  out += ": ";
  append_text(out, value);
  out += "\r\n";
}

std::string_view reason(unsigned status) {
  namespace beast_http = boost::beast::http;
  const auto text = beast_http::obsolete_reason(beast_http::int_to_status(status));
  return {text.data(), text.size()};
}

} // namespace

std::string_view DateCache::at(std::time_t second) {
  if (second != second_) {
    // Not strftime: its names follow the locale.
    static constexpr std::array days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm utc{};
    gmtime_r(&second, &utc);
    std::snprintf(text_, sizeof text_, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                  days[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
                  months[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour,
                  utc.tm_min, utc.tm_sec);
    second_ = second;
  }
  return text_;
}

void write_head(std::string& out, const Response& response, Persistence persistence,
                std::string_view date) {
  out.assign("HTTP/1.1 ");
  append_number(out, response.status);
  out += ' ';
  out += reason(response.status);
  out += "\r\n";
  append_header(out, "Date", date);
  if (!response.content_type.empty() && status_has_body(response.status)) {
    append_header(out, "Content-Type", response.content_type);
  }
  for (const auto& [name, value] : response.headers.all())
    append_header(out, name, value);
  if (status_has_body(response.status)) {
    out += "Content-Length: ";
    append_number(out, response.body.size());
    out += "\r\n";
  }
  if (persistence == Persistence::keep_told) out += "Connection: keep-alive\r\n";
  if (persistence == Persistence::close) out += "Connection: close\r\n";
  out += "\r\n";
}

} // namespace panier::http
