// What hands do to the stores: a restored ledger, a spoilt row, documents edited or imported.
#include "world_inside.hpp"

namespace panier::sim {

void World::restore_ledger() {
  // One without a cart is not believed (ADR 0003), and nobody here acts on what health says then.
  if (!backup_ || backup_->carts.empty()) return;
  ledger_.end_open_transactions();
  ledger_.decide_hanging(false);
  ledger_.release_orphans();
  ledger_.edit([&](auto& state) {
    state = *backup_;
    for (int i = 1; i <= plan_.carts; ++i) {
      const auto kept = state.carts.find(cart::UserId::parse(user_name(i)).value());
      const auto cart = kept == state.carts.end() ? cart::Cart{} : kept->second.cart;
      history_.changes[user_name(i)].push_back(
          {scheduler_.now(), cart.version, state_of(cart), true});
      if (options_.trace) tell(user_name(i) + " is again " + to_text(state_of(cart)));
    }
  });
}

// The lines that are stored cannot be read, for a while.
void World::spoil_row(const std::string& user, bool unreadable) {
  ledger_.edit([&](auto& state) {
    const auto row = state.carts.find(cart::UserId::parse(user).value());
    if (row == state.carts.end()) return;
    row->second.unreadable.reset();
    if (unreadable) row->second.unreadable = "simulated: no JSON";
  });
}

// What a human, another program or an import may do to the mirror.
void World::edit_mirror(int choice) {
  history_.clock_was_set = true; // versions may run ahead of the clock by what the mirror has
  const commit::CartId foreign(commit::CartId::Bytes{0xff});
  if (choice >= 12) mirror_.drop_index();
  mirror_.edit([&](auto& documents) {
    if (documents.empty()) return;
    const auto at = std::next(documents.begin(),
                              dice_.between(0, static_cast<std::int64_t>(documents.size()) - 1));
    auto& document = at->second;
    auto copy = document;
    copy.id = foreign;
    switch (choice) {
    case 0: document.lines.clear(); return;
    case 1: document.token = {}; return;
    case 2: ++document.id_maria; return;
    case 3: document.exists = !document.exists; return;
    case 4:
      document.readable = false;
      document.lines.clear();
      return;
    case 5: document.as_written = false; return;
    case 6: documents.erase(at); return;
    case 7: document.version += 3'600'000; return;
    case 8: // the cart's document under another _id
      documents.erase(at);
      documents.insert_or_assign(foreign, std::move(copy));
      return;
    case 9:
    case 10: // of nobody
      copy.user = cart::UserId::parse("nobody").value();
      if (choice == 10) copy.version = 0;
      documents.insert_or_assign(foreign, std::move(copy));
      return;
    case 11: // as a program that knows nothing of versions writes it
      document.version = 0;
      document.token = {};
      return;
    case 12: // a second one, now that nothing is in its way
      documents.insert_or_assign(foreign, std::move(copy));
      return;
    default: return; // the index alone
    }
  });
}

} // namespace panier::sim
