#include "config/config.hpp"

#include "config/settings.hpp"

namespace panier::config {

std::string_view to_string(LedgerKind kind) noexcept {
  return kind == LedgerKind::mariadb ? "mariadb" : "sqlite";
}

std::string_view to_string(MirrorKind kind) noexcept {
  switch (kind) {
  case MirrorKind::mongodb: return "mongodb";
  case MirrorKind::sqlite: return "sqlite";
  case MirrorKind::none: return "none";
  }
  return "none";
}

std::string_view to_string(WritePolicy policy) noexcept {
  return policy == WritePolicy::strict ? "strict" : "available";
}

std::string_view to_string(LogLevel level) noexcept {
  switch (level) {
  case LogLevel::debug: return "debug";
  case LogLevel::info: return "info";
  case LogLevel::warn: return "warn";
  case LogLevel::error: return "error";
  }
  return "error";
}

std::string_view to_string(StockUnknown choice) noexcept {
  switch (choice) {
  case StockUnknown::refuse: return "refuse";
  case StockUnknown::accept: return "accept";
  }
  return "refuse";
}

std::string_view to_string(Source source) noexcept {
  switch (source) {
  case Source::by_default: return "default";
  case Source::file: return "file";
  case Source::environment: return "environment";
  }
  return "default";
}

Environment environment_from(const char* const* entries) {
  Environment environment;
  for (; entries != nullptr && *entries != nullptr; ++entries) {
    const std::string_view entry(*entries);
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos) continue;
    // Of a name that stands twice getenv() sees the first, so that is the one.
    environment.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return environment;
}

std::string to_line(const Error& error) {
  return error.field.empty() ? error.detail : error.field + ": " + error.detail;
}

std::vector<Described> describe(const Config& config) {
  std::vector<Described> all;
  for (const Setting& setting : settings()) {
    const auto source = config.sources.find(setting.key);
    all.push_back({setting.key, setting.show(config),
                   source == config.sources.end() ? Source::by_default : source->second,
                   setting.unit, limits_text(setting), setting.doc});
  }
  return all;
}

} // namespace panier::config
