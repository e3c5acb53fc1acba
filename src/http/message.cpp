#include "http/message.hpp"

#include <algorithm>

#include "http/path.hpp"

namespace panier::http {

std::string_view to_string(Method method) noexcept {
  switch (method) {
  case Method::get: return "GET";
  case Method::head: return "HEAD";
  case Method::post: return "POST";
  case Method::put: return "PUT";
  case Method::patch: return "PATCH";
  case Method::del: return "DELETE";
  case Method::options: return "OPTIONS";
  case Method::other: return "OTHER";
  }
  return "OTHER";
}

void Headers::set(std::string_view name, std::string value) {
  std::erase_if(all_, [&](const auto& header) { return equals_ignoring_case(header.first, name); });
  add(std::string(name), std::move(value));
}

const std::string* Headers::find(std::string_view name) const {
  for (const auto& [key, value] : all_) {
    if (equals_ignoring_case(key, name)) return &value;
  }
  return nullptr;
}

std::string Headers::joined(std::string_view name) const {
  std::string list;
  bool first = true;
  for (const auto& [key, value] : all_) {
    if (!equals_ignoring_case(key, name)) continue;
    if (!first) list += ", ";
    first = false;
    list += value;
  }
  return list;
}

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      all_, [&](const auto& header) { return equals_ignoring_case(header.first, name); }));
}

} // namespace panier::http
