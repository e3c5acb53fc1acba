// THE table of settings: parsing, `panier config` and the check of config/panier.env.example all
// read this one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "config/config.hpp"

namespace panier::config {

struct Setting {
  std::string_view key;
  std::string_view unit;   // empty where there is none
  std::string_view values; // what may stand there; empty: a whole number from min to max
  std::int64_t min = 0;
  std::int64_t max = 0;
  std::string_view default_text; // where the default is not simply Config{}'s: in words
  std::string_view doc;          // one sentence
  // Checks the text and puts it into the config; the error's detail says what must stand there. The
  // text is never empty.
  Result<void> (*set)(Config&, std::string_view text, const Setting&);
  std::string (*show)(const Config&); // secrets masked; empty: not set
};

[[nodiscard]] std::span<const Setting> settings();
[[nodiscard]] const Setting* find_setting(std::string_view key);
// "1-64" or the values.
[[nodiscard]] std::string limits_text(const Setting& setting);
// What holds when the setting is absent: "2000", "4 with MariaDB, 1 with SQLite", "" for nothing.
[[nodiscard]] std::string default_text(const Setting& setting);
// The key of the table that this one was probably meant to be, if one is close.
[[nodiscard]] const Setting* nearest_setting(std::string_view key);

} // namespace panier::config
