// A protocol under test and short ways to say what it is given.
#pragma once

#include <gtest/gtest.h>

#include "commit/protocol.hpp"

namespace panier::commit::test {

using cart::OperationKind;
using cart::Quantity;

class CountingIds final : public IdSource {
public:
  Token token() override {
    Token::Bytes bytes{};
    bytes[15] = ++tokens_;
    return Token(bytes);
  }
  CartId cart_id() override {
    CartId::Bytes bytes{};
    bytes[11] = ++ids_;
    return CartId(bytes);
  }

private:
  std::uint8_t tokens_ = 0;
  std::uint8_t ids_ = 0;
};

inline UserId user(std::string_view name) {
  return *UserId::parse(name);
}
inline cart::LineKey article(std::string_view id) {
  return *cart::LineKey::parse(id);
}

// A write and the answer it got.
struct Asked {
  PendingWritePtr write;
  std::shared_ptr<std::vector<Result<Receipt>>> answers;
  [[nodiscard]] bool answered() const { return !answers->empty(); }
  [[nodiscard]] const Result<Receipt>& answer() const { return answers->at(0); }
};

inline Asked ask(cart::Operation operation, std::optional<Idempotency> key = {}) {
  auto answers = std::make_shared<std::vector<Result<Receipt>>>();
  auto write = std::make_shared<PendingWrite>(
      WriteRequest{std::move(operation), key}, runtime::SteadyTime::max(),
      [answers](Result<Receipt> result) { answers->push_back(std::move(result)); });
  EXPECT_TRUE(write->take());
  return {write, answers};
}
inline Asked ask_add(std::string_view who, std::string_view what, int quantity,
                     std::optional<Idempotency> key = {}) {
  return ask({.kind = OperationKind::add,
              .user = user(who),
              .line = article(what),
              .quantity = Quantity::of(quantity),
              .if_match = {}},
             key);
}
inline Asked ask_plain(OperationKind kind, std::string_view who,
                       std::optional<Idempotency> key = {}) {
  return ask({.kind = kind, .user = user(who), .line = {}, .quantity = {}, .if_match = {}}, key);
}
inline Idempotency key(std::uint8_t name, std::uint8_t request = 1) {
  Idempotency idempotency;
  idempotency.key[0] = name;
  idempotency.fingerprint[0] = request;
  return idempotency;
}

inline CartRow row(std::string_view who, Version version, std::vector<cart::Line> lines = {},
                   bool exists = true) {
  CartRow made{.user = user(who)};
  made.cart = {CartId{}, version, exists, std::move(lines)};
  made.id_maria = 7;
  return made;
}

class ProtocolTest : public ::testing::Test {
protected:
  static constexpr std::int64_t now_ms = 1'000'000;

  // What the ledger says: our lane row as the last round left it, these carts locked.
  [[nodiscard]] Opened opened(std::vector<CartRow> carts) const {
    Opened made;
    made.now = LedgerTime(std::chrono::milliseconds(now_ms));
    made.own = own_;
    made.carts = std::move(carts);
    return made;
  }
  // A whole round that commits; what is due is answered.
  Round round(const Opened& seen, const std::vector<Asked>& asked, Policy policy = Policy::strict) {
    std::vector<PendingWritePtr> writes;
    for (const auto& one : asked)
      writes.push_back(one.write);
    auto decided = protocol_.decide(seen, writes, policy);
    auto copy = decided;
    own_ = decided.writes.row;
    for (auto& reply : protocol_.committed(std::move(decided)))
      reply.write->answer(std::move(reply.result));
    return copy;
  }
  // The mirror takes everything it is sent.
  void mirror_holds() {
    protocol_.bulk_answered(std::vector<Took>(protocol_.to_send().size(), Took::held));
  }
  void mirror_says(Took took) {
    protocol_.bulk_answered(std::vector<Took>(protocol_.to_send().size(), took));
  }

  CountingIds ids_;
  Protocol protocol_{LaneKey{"instance", 0}, {}, ids_};
  std::optional<LaneRow> own_;
};

} // namespace panier::commit::test
