// The other half of Protocol: what the mirror is told of an outstanding batch, and what its answers
// say of each cart. Only a verdict of `held` lets the next transaction make a cart visible.
#include "commit/protocol.hpp"

namespace panier::commit {
namespace {

MirrorWrite mirror_write(const CartRow& row) {
  return {row.user, row.cart, row.id_maria, row.token, row.updated_at};
}

} // namespace

std::vector<MirrorWrite> Protocol::to_send() const {
  std::vector<MirrorWrite> writes;
  for (const auto& entry : entries_) {
    if (entry.verdict == Entry::Verdict::unknown) writes.push_back(mirror_write(entry.next));
  }
  return writes;
}

void Protocol::not_sent(const std::string& why) {
  for (auto& entry : entries_) {
    if (entry.verdict != Entry::Verdict::unknown) continue;
    entry.verdict = Entry::Verdict::not_held;
    entry.why = why;
  }
}

void Protocol::bulk_answered(const Result<std::vector<Took>>& took) {
  std::size_t i = 0;
  for (auto& entry : entries_) {
    if (entry.verdict != Entry::Verdict::unknown) continue;
    const Took one = took && i < took->size() ? (*took)[i] : Took::unknown;
    ++i;
    if (one == Took::held) entry.verdict = Entry::Verdict::held;
    if (one == Took::failed) {
      entry.verdict = Entry::Verdict::not_held;
      entry.why = "the mirror refused the document";
    }
    if (one == Took::unknown)
      entry.why = took ? "the mirror did not confirm the write" : took.error().detail;
  }
}

std::vector<UserId> Protocol::to_read_back() const {
  std::vector<UserId> users;
  for (const auto& entry : entries_) {
    if (entry.verdict == Entry::Verdict::unknown) users.push_back(entry.next.user);
  }
  return users;
}

void Protocol::read_back(const Result<std::vector<MirrorDoc>>& docs) {
  for (auto& entry : entries_) {
    if (entry.verdict != Entry::Verdict::unknown) continue;
    entry.verdict = Entry::Verdict::not_held;
    if (!docs) {
      if (entry.why.empty()) entry.why = docs.error().detail;
      continue;
    }
    const auto doc = std::ranges::find(*docs, entry.next.user, &MirrorDoc::user);
    if (doc == docs->end() || doc->version < entry.next.cart.version) {
      if (entry.why.empty()) entry.why = "the mirror does not hold the write";
      continue;
    }
    if (doc->version == entry.next.cart.version && doc->token == entry.next.token) {
      entry.verdict = Entry::Verdict::held;
      continue;
    }
    entry.mirror_version = doc->version;
    entry.why = "the mirror is ahead";
  }
}

} // namespace panier::commit
