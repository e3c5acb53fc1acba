#include "model.hpp"

#include <algorithm>

namespace panier::sim {
namespace {

using cart::OperationKind;

bool makes_cart(const cart::Operation& what) {
  return what.kind == OperationKind::create || what.kind == OperationKind::edit ||
         what.kind == OperationKind::add;
}

bool positive(const cart::Operation& what) {
  return what.kind == OperationKind::create || what.quantity.positive();
}

} // namespace

Applied apply(State& state, std::optional<cart::Version> version, const cart::Operation& what) {
  Applied applied;
  const bool erase = what.kind == OperationKind::erase;
  applied.existed = (erase || what.kind == OperationKind::create) && state.exists; // told of these
  const bool already =
      erase ? !state.exists
            : what.kind == OperationKind::empty && state.exists && state.lines.empty();
  if (already) return applied;
  if (what.if_match) {
    const auto& match = *what.if_match;
    const bool matches =
        state.exists && (match.any || !version || std::ranges::count(match.versions, *version) > 0);
    if (!matches) return applied.refused = Errc::precondition_failed, applied;
  }
  if (!state.exists && !(makes_cart(what) && positive(what)))
    return applied.refused = Errc::cart_not_found, applied;
  State next = state;
  next.exists = true;
  if (erase) {
    next = {};
  } else if (what.kind == OperationKind::empty) {
    next.lines.clear();
  } else if (what.kind != OperationKind::create) {
    const auto& article = what.line->article_id();
    const auto line =
        std::ranges::find(next.lines, article, &std::pair<std::string, std::int64_t>::first);
    const bool there = line != next.lines.end();
    const auto before = there ? line->second : 0;
    auto wanted = what.kind == OperationKind::add    ? before + what.quantity.thousandths()
                  : what.kind == OperationKind::edit ? what.quantity.thousandths()
                                                     : 0;
    wanted = std::max<std::int64_t>(wanted, 0);
    applied.quantity = wanted;
    if (there && wanted > 0) line->second = wanted;
    if (there && wanted == 0) next.lines.erase(line);
    if (!there && wanted > 0) next.lines.emplace_back(article, wanted);
  }
  applied.changed = next != state;
  state = std::move(next);
  return applied;
}

State state_of(const cart::Cart& cart) {
  State state{cart.exists, {}};
  for (const auto& line : cart.lines)
    state.lines.emplace_back(line.key.article_id(), line.quantity.thousandths());
  return state;
}

std::string to_text(const State& state) {
  if (!state.exists) return "none";
  std::string text = "[";
  for (const auto& [article, thousandths] : state.lines)
    text += (text.size() > 1 ? ", " : "") + article + " x " +
            cart::Quantity::from_thousandths(thousandths).to_text();
  return text + "]";
}

} // namespace panier::sim
