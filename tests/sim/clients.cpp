// Clients: what they ask for, what they make of the answers, and when they ask again.
#include <array>

#include "world_inside.hpp"

namespace panier::sim {

using namespace std::chrono_literals;

Process* World::somebody() {
  if (options_.script && processes_.front()) return processes_.front().get();
  std::vector<Process*> alive;
  for (auto& process : processes_) {
    if (process) alive.push_back(process.get());
  }
  return alive.empty() ? nullptr : dice_.pick(alive);
}

void World::next_request(std::size_t index) {
  auto& client = clients_[index];
  if (client.left == 0 || healing_) return;
  --client.left;
  auto& dice = client.dice;
  const auto user = user_name(dice.between(1, plan_.carts));
  Call call{.operation = ++operations_,
            .what = {.kind = cart::OperationKind::create,
                     .user = cart::UserId::parse(user).value(),
                     .line = {},
                     .quantity = {},
                     .if_match = {}}};
  call.read = dice.chance(plan_.reads);
  std::optional<commit::Idempotency> key;
  if (!call.read) {
    static constexpr std::array kinds = {
        cart::OperationKind::add,    cart::OperationKind::add,   cart::OperationKind::add,
        cart::OperationKind::edit,   cart::OperationKind::edit,  cart::OperationKind::remove,
        cart::OperationKind::create, cart::OperationKind::empty, cart::OperationKind::erase};
    call.what.kind = dice.pick(kinds);
    if (call.what.kind <= cart::OperationKind::remove &&
        call.what.kind != cart::OperationKind::create) {
      call.what.line = cart::LineKey::parse(dice.chance(0.7) ? "a" : "b");
    }
    if (call.what.kind == cart::OperationKind::add)
      call.what.quantity = cart::Quantity::of(dice.chance(0.85) ? dice.between(1, 4) : -2);
    if (call.what.kind == cart::OperationKind::edit)
      call.what.quantity = cart::Quantity::of(dice.between(0, 3));
    const auto seen = client.last_seen.find(user);
    if (seen != client.last_seen.end() && dice.chance(plan_.if_match))
      call.what.if_match = cart::IfMatch{false, {seen->second}};
    if (dice.chance(plan_.keyed)) {
      key.emplace();
      for (std::size_t i = 0; i < 8; ++i)
        key->key[i] = key->fingerprint[i] =
            static_cast<std::uint8_t>(static_cast<unsigned>(call.operation) >> (8 * (i % 4)));
    }
  }
  if (options_.script) follow_script(call);
  const auto name =
      "request " + std::to_string(call.operation) + " of client " + std::to_string(index);
  if (options_.without.contains(name))
    return scheduler_.after(1ms, 0, [this, index] { next_request(index); });
  outcome_.requests.push_back(name);
  history_.calls.push_back(call);
  ++unanswered_;
  sent_.push_back({.client = index, .key = key});
  send(index, history_.calls.size() - 1);
}

// The first request makes the cart, the second is the operation under test, the third reads.
void World::follow_script(Call& call) const {
  call.read = call.operation == 3;
  call.what.kind = call.operation == 2 ? options_.script->operation : cart::OperationKind::add;
  call.what.if_match = {};
  call.what.line = {};
  call.what.quantity = cart::Quantity::of(call.operation == 2 ? 3 : 2);
  if (call.what.kind >= cart::OperationKind::add && call.what.kind <= cart::OperationKind::remove)
    call.what.line = cart::LineKey::parse("a");
  // A create needs a cart that is not there yet.
  if (call.what.kind == cart::OperationKind::create || call.read)
    call.what.user =
        cart::UserId::parse(options_.script->operation == cart::OperationKind::create ? "u2" : "u1")
            .value();
}

void World::send(std::size_t client, std::size_t index) {
  auto& call = history_.calls[index];
  call.asked = scheduler_.now();
  call.deadline = call.asked + plan_.timing.request_timeout + 200ms;
  auto* process = somebody();
  if (!process) {
    if (healing_) return answered(index, Call::Told::failed, Errc::shutting_down); // never sent
    return scheduler_.after(20ms, 0, [this, client, index] { send(client, index); });
  }
  call.excused = scheduler_.is_frozen(process->group);
  sent_[index].group = process->group;
  if (options_.trace)
    tell("client " + std::to_string(client) + " asks instance " + std::to_string(process->slot) +
         ": " + to_text(call));
  scheduler_.poke(process->group, dice_.between(10, 3'000) * 1us);
  if (call.read) {
    process->service.read(call.what.user, [this, index](Result<service::ShownCart> shown) {
      if (!sent_[index].open) return;
      auto& mine = history_.calls[index];
      if (!shown) {
        const auto code = shown.error().code;
        const bool none = code == Errc::cart_not_found;
        return answered(index, none ? Call::Told::refused : Call::Told::failed, code);
      }
      const auto& view = shown->view;
      if (!view.degraded) mine.seen = state_of(view.cart);
      mine.seen_version = view.cart.version;
      answered(index, Call::Told::ok, {});
    });
    return;
  }
  process->service.write({call.what, sent_[index].key},
                         [this, index](const Result<commit::Receipt>& got) { wrote(index, got); });
}

void World::wrote(std::size_t index, const Result<commit::Receipt>& got) {
  if (!sent_[index].open) return;
  if (got) {
    history_.calls[index].outcome = got->outcome;
    return answered(index, Call::Told::ok, {});
  }
  const auto code = got.error().code;
  const bool refused = code == Errc::cart_not_found || code == Errc::precondition_failed ||
                       code == Errc::invalid_field;
  answered(index,
           code == Errc::outcome_unknown ? Call::Told::unknown
           : refused                     ? Call::Told::refused
                                         : Call::Told::failed,
           code);
}

// The expiry of a cart is an operation like any other: somebody must be told how it went.
std::function<void(const Result<commit::Receipt>&)>
World::upkeep_asks(Scheduler::Group group, const cart::Operation& what) {
  const auto index = history_.calls.size();
  history_.calls.push_back({.operation = ++operations_,
                            .what = what,
                            .asked = scheduler_.now(),
                            .deadline = scheduler_.now() + plan_.timing.request_timeout + 200ms});
  ++unanswered_;
  sent_.push_back({.client = nobody, .group = group, .key = {}});
  if (options_.trace) tell("upkeep asks: " + to_text(history_.calls.back()));
  return [this, index](const Result<commit::Receipt>& got) { wrote(index, got); };
}

void World::answered(std::size_t index, Call::Told told, Errc code) {
  auto& call = history_.calls[index];
  if (++call.answers > 1) return;
  call.answered = scheduler_.now();
  --unanswered_;
  call.told = told;
  call.code = code;
  if (options_.trace) tell("answer: " + to_text(call));
  if (told == Call::Told::unknown)
    ++outcome_.unknown;
  else if (call.read)
    ++outcome_.reads;
  else if (told == Call::Told::ok)
    ++outcome_.acknowledged;
  else
    ++outcome_.failed;
  if (sent_[index].client == nobody) return;
  scheduler_.after(1us, 0, [this, index] { retry_or_go_on(sent_[index].client, index); });
}

// As clients do: a retry where nobody knows, under the same key if there is one.
void World::retry_or_go_on(std::size_t index, std::size_t of) {
  auto& client = clients_[index];
  const Call before = history_.calls[of];
  const Sent sent = sent_[of];
  const bool heard = before.told == Call::Told::ok && !client.dice.chance(plan_.answer_lost);
  if (heard && !before.read) client.last_seen[before.what.user.text()] = before.outcome.version;
  const Time pause = client.dice.between(0, plan_.think_ms) * 1ms;
  const bool again = !heard && !before.read && before.told != Call::Told::refused &&
                     sent.attempts < 4 && client.dice.chance(sent.key ? 0.9 : 0.4);
  if (!again || healing_) return scheduler_.after(pause, 0, [this, index] { next_request(index); });
  scheduler_.after(pause, 0, [this, index, before, sent] {
    if (healing_) return;
    Call call{.operation = sent.key ? before.operation : ++operations_, .what = before.what};
    history_.calls.push_back(call);
    ++unanswered_;
    sent_.push_back({.client = index, .key = sent.key, .attempts = sent.attempts + 1});
    send(index, history_.calls.size() - 1);
  });
}

} // namespace panier::sim
