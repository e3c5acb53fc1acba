#include "support/wire_double.hpp"

#include <optional>
#include <stdexcept>

#include "support/wire_commands.hpp"
#include "support/wire_loop.hpp"
#include "support/wire_script.hpp"

namespace panier::support {
namespace {

using wire::Doc;
using wire::View;

struct Text {
  std::string operator()(char* text) const {
    std::string copy(text);
    bson_free(text);
    return copy;
  }
};

// Extended JSON to BSON.
std::string from_json(std::string_view json) {
  bson_error_t error{};
  Doc document;
  bson_t parsed;
  if (!bson_init_from_json(&parsed, json.data(), static_cast<ssize_t>(json.size()), &error))
    throw std::runtime_error(std::string("WireDouble: not JSON: ") +
                             static_cast<const char*>(error.message));
  bson_concat(document.get(), &parsed);
  bson_destroy(&parsed);
  return document.raw();
}

} // namespace

// Of the thread that owns the double; what it shares with the loop's is thread-safe.
class WireDouble::Server {
public:
  explicit Server(const Options& options)
      : commands(options), delay_(options.delay), port_(options.port) {
    up();
  }

  void up() {
    loop_.emplace(port_, delay_, commands, script);
    port_ = loop_->port();
  }
  void down() { loop_.reset(); }
  void clear_faults() {
    script.clear();
    if (loop_) loop_->resume();
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

  wire::Commands commands;
  wire::Script script;

private:
  const std::chrono::microseconds delay_;
  std::uint16_t port_;
  std::optional<wire::Loop> loop_; // last: it uses all of the above
};

WireDouble::WireDouble(Options options) : server_(std::make_unique<Server>(options)) {}
WireDouble::~WireDouble() = default;

std::uint16_t WireDouble::port() const {
  return server_->port();
}

std::string WireDouble::uri(std::string_view options, std::string_view login) const {
  std::string uri = "mongodb://";
  if (!login.empty()) uri.append(login).append("@");
  uri += "127.0.0.1:" + std::to_string(port()) + "/Paniers";
  if (!options.empty()) uri.append("?").append(options);
  return uri;
}

void WireDouble::inject(WireFault fault) {
  server_->script.inject(std::move(fault));
}
void WireDouble::clear_faults() {
  server_->clear_faults();
}
void WireDouble::down() {
  server_->down();
}
void WireDouble::up() {
  server_->up();
}
int WireDouble::count(std::string_view command) const {
  return server_->script.count(command);
}
std::string WireDouble::last(std::string_view command) const {
  const std::string document = server_->script.last(command);
  if (document.empty()) return {};
  return Text{}(bson_as_relaxed_extended_json(View(document).get(), nullptr));
}

bool WireDouble::wait_count(std::string_view command, int at_least,
                            std::chrono::milliseconds time) const {
  return server_->script.wait_count(command, at_least, time);
}

void WireDouble::insert(std::string_view json) {
  server_->commands.with_panier([&](wire::Collection& panier) { panier.insert(from_json(json)); });
}

int WireDouble::edit(std::string_view query_json, std::string_view update_json) {
  const std::string query = from_json(query_json), update = from_json(update_json);
  return server_->commands.with_panier([&](wire::Collection& panier) {
    return static_cast<int>(
        panier.update(View(query).get(), View(update).get(), true, false).matched);
  });
}

std::vector<std::string> WireDouble::documents(std::string_view filter_json) const {
  const std::string filter = from_json(filter_json);
  return server_->commands.with_panier([&](const wire::Collection& panier) {
    std::vector<std::string> texts;
    for (const std::string& document : panier.find(View(filter).get(), nullptr, 0, 0))
      texts.push_back(Text{}(bson_as_canonical_extended_json(View(document).get(), nullptr)));
    return texts;
  });
}

void WireDouble::drop_index() {
  server_->commands.with_panier([](wire::Collection& panier) { panier.drop_user_index(); });
}

} // namespace panier::support
