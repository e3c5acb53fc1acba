// A .env file, whatever stands in it: what is accepted says the same when it is written and read
// again, what is refused is told in one line that names the line or the setting, and no secret is
// ever shown.
#include <algorithm>

#include "config/config.hpp"
#include "config/env_file.hpp"
#include "config/mongo_uri.hpp"
#include "config/settings.hpp"
#include "fuzz.hpp"

namespace panier::fuzz {
namespace {

using config::Assignment;
using config::Config;

constexpr std::string_view secret = "Zx7-never-shown-9qK";
constexpr std::size_t line_chars_max = 600; // "one clear line"

// A value as a file must hold it; nullopt: no form of it can (it has both kinds of quotes).
std::optional<std::string> in_file(std::string_view value) {
  for (const char quote : {'"', '\''})
    if (value.find(quote) == value.npos) return quote + std::string(value) + quote;
  return std::nullopt;
}

void promise_one_line(std::string_view line) {
  promise(line.size() <= line_chars_max, "an error is short", line);
  promise(std::ranges::none_of(line, [](char c) { return static_cast<unsigned char>(c) < 0x20; }),
          "an error is one line", line);
}

void check_assignments(std::string_view text) {
  const auto all = config::parse_env_file(text);
  if (!all) {
    promise(all.error().code == Errc::config_invalid && all.error().detail.starts_with("line "),
            "an error names the line", all.error().detail);
    return promise_one_line(all.error().detail);
  }
  std::string written;
  std::vector<Assignment> expected;
  for (const auto& assignment : *all) {
    const auto value = in_file(assignment.value);
    if (!value) continue;
    expected.push_back(assignment);
    written.append("export ")
        .append(assignment.key)
        .append(" = ")
        .append(*value)
        .append(" # x\r\n");
  }
  const auto again = config::parse_env_file(written);
  promise(again && again->size() == expected.size(), "what we write can be read", written);
  for (std::size_t at = 0; at < expected.size(); ++at)
    promise((*again)[at].key == expected[at].key && (*again)[at].value == expected[at].value,
            "an assignment comes back", written);
}

std::string shown(const Config& config) {
  std::string all;
  for (const auto& described : config::describe(config))
    all.append(described.key).append("=").append(described.value).append("\n");
  for (const auto& warning : config.warnings)
    all.append(warning).append("\n");
  return all;
}

// Every setting as it is in force, with what describe() masks or adorns.
std::optional<std::string> as_file(const Config& config) {
  std::string text;
  for (const auto& described : config::describe(config)) {
    if (described.source == config::Source::by_default) continue;
    std::string value = described.value;
    if (described.key == "DB_LOCAL_PASSWORD") value = config.mariadb->password.reveal();
    if (described.key == "MONGO_URI_PANIERS") value = config.mongodb->uri.reveal();
    const auto url = config.article_urls.find(described.key);
    if (url != config.article_urls.end()) value = url->second;
    const auto quoted = in_file(value);
    if (!quoted) return std::nullopt;
    text.append(described.key).append("=").append(*quoted).append("\n");
  }
  return text;
}

void promise_related(const Config& config) {
  promise(config.park_retry < config.mirror_timeout &&
              config.mirror_timeout < config.reservation_ttl &&
              config.reservation_ttl < config.request_timeout &&
              config.request_timeout < config.idle_timeout,
          "the times are related as they must be");
  promise(config.lanes >= 1 && config.lanes <= 64 && config.threads >= 1, "there is who works");
  promise(config.ledger != config::LedgerKind::mariadb || config.mariadb, "a ledger has settings");
  promise(config.mirror != config::MirrorKind::mongodb || config.mongodb, "a mirror has settings");
}

void promise_told(const Error& error) {
  promise(error.code == Errc::config_invalid, "a wrong setting is a wrong setting");
  promise_one_line(config::to_line(error));
  if (error.field.empty())
    promise(error.detail.starts_with("line "), "an error names the line", error.detail);
  else
    promise(config::find_setting(error.field) != nullptr ||
                error.detail.starts_with("there is no such setting"),
            "an error names the setting", error.field);
}

void check_settings(std::string_view text) {
  const auto config = config::parse({.environment = {}, .file = std::string(text), .cores = 2});
  if (!config) return promise_told(config.error());
  promise_related(*config);
  const auto written = as_file(*config);
  if (!written) return;
  const auto again = config::parse({.environment = {}, .file = *written, .cores = 2});
  promise(again.has_value(), "what is in force can be given", *written);
  const auto before = config::describe(*config);
  const auto after = config::describe(*again);
  promise(before.size() == config::settings().size(), "every setting is described");
  for (std::size_t at = 0; at < before.size(); ++at)
    promise(after[at].value == before[at].value, "a setting comes back", before[at].key);
}

void promise_hidden(std::string_view told) {
  promise(told.find(secret) == told.npos, "no secret is ever shown", told);
}

// The same file with a password in it, and its URI with one.
void check_secrets(std::string_view text) {
  if (text.find(secret) != text.npos) return; // the fuzzer learns it, and puts it where none is
  const auto file = std::string(text) + "\nDB_LOCAL_PASSWORD=" + std::string(secret) + "\n";
  const auto config = config::parse({.environment = {}, .file = file, .cores = 2});
  promise_hidden(config ? shown(*config) : config::to_line(config.error()));
  const auto all = config::parse_env_file(text);
  if (!all) return;
  for (const auto& assignment : *all) {
    auto uri = assignment.value;
    const auto scheme = uri.find("://");
    if (scheme == uri.npos) continue;
    uri.insert(scheme + 3, "user:" + std::string(secret) + "@");
    const auto parsed = config::parse_mongo_uri(uri);
    promise_hidden(parsed ? parsed->shown : parsed.error().detail);
  }
}

} // namespace
} // namespace panier::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = panier::fuzz::text_of(data, size);
  panier::fuzz::check_assignments(text);
  panier::fuzz::check_settings(text);
  panier::fuzz::check_secrets(text);
  return 0;
}
