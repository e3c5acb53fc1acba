// MONGO_URI_PANIERS as we use it: checked, and with our own rules over whatever it says.
#pragma once

#include <chrono>
#include <string>

#include "result/result.hpp"
#include "store/mongo/handles.hpp"
#include "store/mongo/mongo_mirror.hpp"

namespace panier::store::mongo {

struct Target {
  UriPtr uri;
  std::string database;
  std::chrono::milliseconds socket_timeout{0}; // how long libmongoc waits for an answer
  std::string password; // as written and as decoded, so that no text of ours ever carries it
  std::string password_raw;
};

// config_invalid naming MONGO_URI_PANIERS; never with a part of the URI that could be a secret.
[[nodiscard]] Result<Target> make_target(const Settings& settings);

// The text without the password.
[[nodiscard]] std::string redact(const Target& target, std::string text);

} // namespace panier::store::mongo
