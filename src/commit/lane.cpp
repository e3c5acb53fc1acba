#include "commit/lane.hpp"

#include "commit/abort.hpp"
#include "commit/availability.hpp"
#include "runtime/log.hpp"

namespace panier::commit {
namespace log = runtime::log;
namespace {

// After a timeout the mirror gets this much more to say what it holds; bulk and read-back together
// stay within the reservation's life.
constexpr std::chrono::milliseconds read_back_timeout{1'000};
static_assert(Timing{}.mirror_timeout + read_back_timeout < Timing{}.reservation_ttl);
// A conflict with another transaction is over in a moment.
constexpr std::chrono::milliseconds conflict_retry{3};
// How often a lane asks again for the fate of a COMMIT that is still undecided.
constexpr std::chrono::milliseconds undecided_retry{200};

// The store answers, it is these rows that it cannot serve.
bool refuses_rows(const Error& error) {
  return error.code == Errc::store_rejected || error.code == Errc::store_corrupt;
}

std::string_view reason(Notice::Kind kind) {
  switch (kind) {
  case Notice::Kind::aborted: return "aborted";
  case Notice::Kind::mirror_ahead: return "mirror_ahead";
  case Notice::Kind::base_changed: return "base_changed";
  case Notice::Kind::list_lost: return "list_lost";
  }
  return "unknown";
}

} // namespace

Lane::Lane(LaneKey key, const LaneShared& shared, std::unique_ptr<Ledger> ledger,
           std::unique_ptr<Mirror> mirror, IdSource& ids, WriteQueue& queue, Quarantine& quarantine)
    : shared_(shared), ledger_(std::move(ledger)), mirror_(std::move(mirror)), ids_(ids),
      queue_(queue), quarantine_(quarantine), index_(static_cast<WriteQueue::LaneIndex>(key.lane)),
      protocol_(std::move(key),
                {.reservation_ttl = shared.timing.reservation_ttl,
                 .limits = shared.limits,
                 .mirrored = mirror_ != nullptr},
                ids),
      parking_(shared.timing.park_retry) {}

void Lane::run(const std::atomic<bool>& give_up) {
  give_up_ = &give_up;
  while (!give_up) {
    switch (run_once()) {
    case Did::again: std::this_thread::sleep_for(conflict_retry); break;
    case Did::waiting: std::this_thread::sleep_for(store_retry); break;
    case Did::worked:
      if (protocol_.outstanding()) break;
      [[fallthrough]];
    case Did::nothing:
      if (queue_.wait_until(index_, next_wake()) != WriteQueue::Wake::closed) break;
      if (parking_.empty() && !protocol_.strikes_off()) return;
      closing_ = true;
      if (!parking_.empty())
        std::this_thread::sleep_for(conflict_retry); // closed: only parked writes are left
    }
  }
}

Lane::Did Lane::run_once() {
  auto writes = collect();
  // Once they are taken: what is asked for after a switch is judged and committed by the new
  // policy.
  const auto policy = shared_.policy.load();
  std::erase_if(writes, [&](const PendingWritePtr& write) { return refused(*write, policy); });
  if (writes.empty() && !protocol_.outstanding() && shared_.clock.steady() < next_beat())
    return Did::nothing;
  began_ = shared_.clock.steady(); // the reservation's life counts from before BEGIN
  auto request = protocol_.open_request(writes);
  request.lag_too = mirror_ && shared_.mirror_state.behind();
  auto opened = ledger_->open(request);
  const auto looked = shared_.clock.steady();
  shared_.metrics.commit(runtime::Metrics::CommitPhase::open, looked - began_);
  if (!opened) return open_failed(std::move(writes), opened.error());
  if (protocol_.is_strangers(*opened)) return abort_stranger(std::move(writes), *opened->own);

  Round round = protocol_.decide(*std::move(opened), writes, policy);
  const auto done = ledger_->commit(round.writes);
  const auto took = shared_.clock.steady() - looked;
  shared_.metrics.commit(runtime::Metrics::CommitPhase::commit, took);
  if (done) {
    committed(round, took);
    if (!writes.empty()) shared_.metrics.batch(writes.size(), round.reserved.size());
    took_effect(std::move(round));
    return Did::worked;
  }
  if (done.error().code == Errc::commit_unknown)
    return find_out(std::move(writes), std::move(round), done.error());
  return commit_failed(std::move(writes), std::move(round), done.error());
}

// ---- what goes into a round

std::vector<PendingWritePtr> Lane::collect() {
  const auto now = shared_.clock.steady();
  auto batch = parking_.take_due(now, batch_operations_max);
  std::unordered_set<UserId> carts;
  for (const auto& write : batch)
    carts.insert(write->user());
  const WriteQueue::Room room{batch_operations_max - batch.size(),
                              batch_carts_max - std::min(carts.size(), batch_carts_max)};
  for (auto& write : queue_.take(index_, in_hand(carts), room, now)) {
    if (carts.contains(write->user()) || !parking_.join(write)) batch.push_back(std::move(write));
  }
  return batch;
}

std::vector<UserId> Lane::in_hand(const std::unordered_set<UserId>& due) const {
  std::vector<UserId> carts = parking_.carts();
  carts.insert(carts.end(), due.begin(), due.end());
  for (const auto& entry : protocol_.entries())
    carts.push_back(entry.next.user);
  return carts;
}

bool Lane::refused(PendingWrite& write, Policy policy) {
  if (write.deadline() <= shared_.clock.steady()) { // not executed, however long the lane was away
    write.give_back();
    write.expire();
    return true;
  }
  if (auto refusal =
          refuses_writes(policy, shared_.ledger_state, mirror_ ? &shared_.mirror_state : nullptr)) {
    write.answer(std::unexpected(std::move(*refusal)));
    return true;
  }
  if (quarantine_.holds(write.user(), shared_.clock.steady())) {
    write.answer(fail(Errc::cart_quarantined));
    return true;
  }
  return false;
}

// When a round is due even if there is nothing to write.
runtime::SteadyTime Lane::next_beat() const {
  if (!protocol_.strikes_off()) return last_beat_ + heartbeat_every;
  if (closing_) return last_beat_;
  // A list that has expired is aborted, whatever the mirror holds.
  return last_beat_ + std::min(strike_off_after, shared_.timing.reservation_ttl / 4);
}

runtime::SteadyTime Lane::next_wake() const {
  const auto parked = parking_.next_due();
  return parked ? std::min(*parked, next_beat()) : next_beat();
}

// ---- what can go wrong before COMMIT: nothing has happened

Lane::Did Lane::open_failed(std::vector<PendingWritePtr> writes, const Error& error) {
  if (error.code == Errc::store_conflict) {
    shared_.metrics.repeated();
    if (!writes.empty()) look_whether_locked_out(error);
    queue_.put_back(index_, std::move(writes));
    return Did::again;
  }
  const bool refused = refuses_rows(error);
  const bool beat = writes.empty() && !protocol_.outstanding();
  if (!refused)
    beat ? shared_.ledger_state.failed(error) : shared_.ledger_state.write_failed(error, began_);
  last_beat_ = shared_.clock.steady(); // a heartbeat that failed is not tried in a loop
  for (auto& write : writes) {
    write->answer(fail(refused                                 ? Errc::internal
                       : error.code == Errc::schema_unmigrated ? error.code
                                                               : Errc::ledger_unavailable,
                       error.detail));
  }
  return Did::waiting;
}

// Somebody's lock on a cart is waited for elsewhere (parking); this is one on a table, or on the
// lane's row. Who waits is told before the deadline, while it is sure that nothing happened.
void Lane::look_whether_locked_out(const Error& error) {
  const auto now = shared_.clock.steady();
  if (!locked_since_ || shared_.ledger_state.last_wrote() > *locked_since_) locked_since_ = now;
  if (now - *locked_since_ < shared_.timing.request_timeout / 2) return;
  shared_.ledger_state.locked_out(
      {error.code, {}, "every write meets a lock of somebody else: " + error.detail});
}

Lane::Did Lane::abort_stranger(std::vector<PendingWritePtr> writes, const LaneRow& row) {
  ledger_->rollback();
  queue_.put_back(index_, std::move(writes));
  log::warn("own lane row carries an unknown token, its list is aborted",
            {{"lane", protocol_.lane().lane}, {"token", row.token->hex()}});
  const auto result = abort_lists(*ledger_, row, AbortGround::unseen, ids_.token());
  if (!result) {
    const auto& error = result.error();
    if (error.code != Errc::store_conflict && !refuses_rows(error))
      shared_.ledger_state.write_failed(error, began_);
    last_beat_ = shared_.clock.steady(); // upkeep aborts it, or the next round with writes
    return Did::waiting;
  }
  shared_.metrics.aborted("stranger", result->carts);
  return Did::again;
}

Lane::Did Lane::commit_failed(std::vector<PendingWritePtr> writes, Round round,
                              const Error& error) {
  if (error.code == Errc::store_rejected)
    return commit_rejected(std::move(writes), std::move(round), error);
  return open_failed(std::move(writes), error);
}

Lane::Did Lane::commit_rejected(std::vector<PendingWritePtr> writes, Round round,
                                const Error& error) {
  auto rejection = protocol_.rejected(std::move(round), error);
  if (rejection.culprit) {
    log::error("the ledger refuses a cart's row",
               {{"user_id", rejection.culprit->text()}, {"error", error.detail}});
    shared_.metrics.aborted("poison");
    switch (quarantine_.refused(*rejection.culprit, shared_.clock.steady())) {
    case Quarantine::Blames::row: break;
    case Quarantine::Blames::cart:
      log::error("cart quarantined", {{"user_id", rejection.culprit->text()}});
      count_quarantined();
      break;
    case Quarantine::Blames::ledger: shared_.ledger_state.write_failed(error, began_);
    }
  } else {
    log::warn("the ledger refuses a batch, it is run again cart by cart",
              {{"error", error.detail}});
  }
  reply(std::move(rejection.replies));
  std::erase_if(writes, [](const PendingWritePtr& write) { return write->answered(); });
  queue_.put_back(index_, std::move(writes));
  // Neither a culprit nor a suspect: the lane's own row is refused, or a key.
  return rejection.culprit || protocol_.isolating() ? Did::again : Did::waiting;
}

// ---- COMMIT without an answer

Lane::Did Lane::find_out(std::vector<PendingWritePtr> writes, Round round, const Error& error) {
  // A beat: nobody is in doubt.
  if (writes.empty() && protocol_.entries().empty()) return open_failed({}, error);
  const auto waits = [](const PendingWritePtr& write) { return !write->answered(); };
  const auto somebody_waits = [&] {
    return std::ranges::any_of(writes, waits) ||
           std::ranges::any_of(protocol_.entries(), [&](const Entry& entry) {
             return std::ranges::any_of(entry.replies,
                                        [&](const Reply& reply) { return waits(reply.write); });
           });
  };
  const auto give_up_at =
      began_ + shared_.timing.request_timeout; // also where nobody waits: available
  bool gone = false;
  while (!gone && shared_.clock.steady() < give_up_at &&
         (somebody_waits() || !protocol_.entries().empty()) && !(give_up_ && *give_up_)) {
    const auto asked = shared_.clock.steady();
    const auto last = ledger_->last_batch(protocol_.lane());
    if (last && *last) {
      if (**last >= round.number) {
        committed(round, shared_.clock.steady() - began_);
        took_effect(std::move(round));
        return Did::worked;
      }
      queue_.put_back(index_, std::move(writes)); // it never will be committed
      if (++uncommitted_ == 1) return Did::worked;
      // It was not a connection that got lost: writing fails.
      shared_.ledger_state.write_failed(error, began_);
      return Did::waiting;
    }
    gone = last.has_value();
    if (!last && last.error().code != Errc::store_conflict)
      shared_.ledger_state.write_failed(last.error(), asked);
    if (!gone) shared_.wait(undecided_retry);
  }
  log::error("the outcome of a COMMIT stays unknown, its batch is given up",
             {{"lane", protocol_.lane().lane}, {"batch", round.number}, {"row_gone", gone}});
  for (auto& write : writes)
    write->answer(fail(Errc::outcome_unknown, "COMMIT was not answered"));
  reply(protocol_.forget());
  return Did::waiting;
}

// ---- after COMMIT

void Lane::committed(const Round& round, std::chrono::nanoseconds took) {
  uncommitted_ = 0;
  locked_since_.reset();
  const auto latency = std::chrono::duration_cast<std::chrono::microseconds>(took);
  // What is only reserved is a write of the lane's row, and proves nothing of the carts'.
  round.writes.carts.empty() ? shared_.ledger_state.answered(latency)
                             : shared_.ledger_state.wrote(latency);
}

void Lane::took_effect(Round round) {
  last_beat_ = shared_.clock.steady();
  shared_.metrics.parked(round.parked.size());
  parking_.park(std::move(round.parked), last_beat_);
  parking_.settle_delays();
  if (quarantine_.release(last_beat_)) count_quarantined();
  queue_.put_back(index_, std::move(round.deferred));
  if (!round.writes.carts.empty()) quarantine_.row_committed();
  if (!round.writes.lag.empty()) shared_.mirror_state.fell_behind();
  tell(round.notices);
  reply(protocol_.committed(std::move(round)));
  if (mirror_) mirror();
}

void Lane::mirror() {
  const auto writes = protocol_.to_send();
  if (writes.empty()) return;
  const auto sent = shared_.clock.steady();
  if (sent - began_ >= shared_.timing.reservation_ttl)
    return protocol_.not_sent("the reservation's life was over");
  if (!shared_.mirror_state.takes_writes()) return protocol_.not_sent("the mirror is down");

  const auto took = mirror_->write(writes, shared_.timing.mirror_timeout);
  const auto spent = shared_.clock.steady() - sent;
  shared_.metrics.mirror_write(spent);
  if (took) {
    const auto latency = std::chrono::duration_cast<std::chrono::microseconds>(spent);
    const bool held = std::ranges::find(*took, Took::held) != took->end();
    held ? shared_.mirror_state.wrote(latency) : shared_.mirror_state.answered(latency);
  } else {
    shared_.mirror_state.write_failed(took.error(), sent);
    // Nobody to ask either: to wait for the same silence again would only hold the carts longer.
    if (took.error().code == Errc::store_unreachable)
      return protocol_.not_sent(took.error().detail);
  }
  protocol_.bulk_answered(took);
  const auto unsure = protocol_.to_read_back();
  if (!unsure.empty()) protocol_.read_back(mirror_->find(unsure, read_back_timeout));
}

void Lane::count_quarantined() {
  shared_.metrics.quarantined_carts(static_cast<std::int64_t>(quarantine_.carts()));
}

void Lane::reply(std::vector<Reply> replies) {
  for (auto& [write, result] : replies) {
    if (result) quarantine_.succeeded(write->user());
    shared_.metrics.operation(cart::to_string(write->request().operation.kind),
                              result ? "ok" : to_string(result.error().code));
    write->answer(std::move(result));
  }
}

void Lane::tell(const std::vector<Notice>& notices) {
  for (const auto& notice : notices) {
    shared_.metrics.aborted(reason(notice.kind));
    const bool alarm = notice.kind == Notice::Kind::base_changed;
    log::write(alarm ? log::Level::error : log::Level::warn, "a reserved write was not settled",
               {{"reason", reason(notice.kind)},
                {"user_id", notice.user.text()},
                {"detail", notice.detail}});
  }
}

} // namespace panier::commit
