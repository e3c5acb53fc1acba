// What the tests of the MongoDB mirror share.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "commit/ports/mirror.hpp"
#include "store/mongo/mongo_mirror.hpp"
#include "suite_values.hpp"

namespace panier::contract {

using commit::IndexState;
using commit::Mirror;
using commit::MirrorDoc;
using commit::MirrorWrite;
using commit::Took;

inline std::unique_ptr<store::mongo::MongoMirrorStore>
mongo_store(std::string uri, std::chrono::milliseconds timeout = 2000ms) {
  store::mongo::Settings settings;
  settings.uri = std::move(uri);
  settings.timeout = timeout;
  return must(store::mongo::MongoMirrorStore::make(settings));
}

// A cart of one line at this version.
inline MirrorWrite cart_of(const UserId& who, int id, Version version) {
  return MirrorWrite{who, Cart{cart_id(id), version, true, {line("a", 2500)}},
                     static_cast<std::uint32_t>(id), token(static_cast<int>(version)),
                     LedgerTime(1'764'000'000'123ms)};
}

// How long a call took.
template <class Call>
std::chrono::milliseconds timed(Call call) {
  const auto started = std::chrono::steady_clock::now();
  call();
  return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started);
}

// What a call may take beyond its timeout, whatever the server does.
inline constexpr std::chrono::milliseconds overrun_max = 500ms;
// How soon a mirror is back after its server; well below the stores' timeout of 2 s.
inline constexpr std::chrono::milliseconds at_once_max = 1000ms;

} // namespace panier::contract
