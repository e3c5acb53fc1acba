// A .env file as this platform writes them: text in, assignments out. Pure; private to this room.
//
//   # a comment, and blank lines             a byte order mark, CRLF line ends: allowed
//   KEY=value                                `export` before it, spaces round '=': allowed
//   KEY = "a # b" # comment                  '#' begins a comment at a line's start or after a
//   space KEY='it''s'                              not allowed: nothing but a comment follows a
//   closing quote
//
// Quotes of either kind are taken off; between them every character stands for itself, a backslash
// too.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "result/result.hpp"

namespace panier::config {

struct Assignment {
  std::string key;
  std::string value;
  int line = 0; // from 1
};

// In the file's order, repetitions included. config_invalid: the detail names the line, never its
// content.
[[nodiscard]] Result<std::vector<Assignment>> parse_env_file(std::string_view text);

} // namespace panier::config
