#include "service/live_cart_service.hpp"

#include "commit/availability.hpp"
#include "runtime/log.hpp"

namespace panier::service {
namespace {

using runtime::FailureLog;
using runtime::StoreState;

FailureLog::Operation failure_operation(cart::OperationKind kind) {
  switch (kind) {
  case cart::OperationKind::create: return FailureLog::Operation::insert;
  case cart::OperationKind::add: return FailureLog::Operation::add;
  case cart::OperationKind::edit: return FailureLog::Operation::edit;
  case cart::OperationKind::remove: return FailureLog::Operation::remove;
  case cart::OperationKind::empty: return FailureLog::Operation::empty;
  case cart::OperationKind::erase: return FailureLog::Operation::erase;
  }
  return FailureLog::Operation::insert;
}

// Which store made it fail; nullopt: none did (the client's fault, or an overload).
std::optional<FailureLog::Store> failed_store(Errc code) {
  switch (code) {
  case Errc::mirror_unavailable: return FailureLog::Store::mongo;
  case Errc::ledger_unavailable:
  case Errc::outcome_unknown:
  case Errc::cart_quarantined:
  case Errc::schema_unmigrated:
  case Errc::internal: return FailureLog::Store::mariadb;
  default: return std::nullopt;
  }
}

// What the operator needs to repeat the request by hand. All of it is of our own alphabets: nothing
// to escape.
std::string describe(const cart::Operation& operation) {
  std::string text = R"({"user_id": ")" + operation.user.text() + '"';
  if (operation.line) text += R"(, "article_id": ")" + operation.line->article_id() + '"';
  if (operation.kind == cart::OperationKind::add || operation.kind == cart::OperationKind::edit) {
    text += R"(, "quantite": )" + operation.quantity.to_text();
  }
  return text + '}';
}

} // namespace

LiveCartService::LiveCartService(Parts parts)
    : parts_(std::move(parts)), started_(parts_.clock.steady()) {}

void LiveCartService::write(commit::WriteRequest request, commit::WriteDone done) {
  if (parts_.articles == nullptr || !may_raise(request.operation))
    return submit(std::move(request), std::move(done));
  request.deadline = parts_.clock.steady() + parts_.request_timeout;
  if (request.operation.kind == cart::OperationKind::add)
    return ask_stock(std::move(request), std::move(done));

  // An edit may well lower the line, and only apply() knows: it is tried first, and the stock is
  // asked for only if it turns out to matter.
  request.operation.ceiling = cart::Ceiling{.limit = {}, .refusal = Errc::stock_unasked};
  auto again = request;
  auto tried = [this, again = std::move(again),
                done = std::move(done)](Result<commit::Receipt> result) mutable {
    if (result || result.error().code != Errc::stock_unasked) return done(std::move(result));
    ask_stock(std::move(again), std::move(done));
  };
  submit(std::move(request), std::move(tried));
}

void LiveCartService::ask_stock(commit::WriteRequest request, commit::WriteDone done) {
  const auto until = std::min(parts_.clock.steady() + parts_.articles->timeout(),
                              request.deadline.value_or(runtime::SteadyTime::max()));
  catalogue::Order order{.articles = {request.operation.line->article_id()},
                         .fresh_only = true,
                         .until = until,
                         .answer = {}};
  order.answer = [this, request = std::move(request),
                  done = std::move(done)](std::vector<catalogue::Finding> findings) mutable {
    request.operation.ceiling = ceiling_for(findings.front(), parts_.unknown_stock);
    submit(std::move(request), std::move(done));
  };
  parts_.articles->ask(std::move(order));
}

void LiveCartService::submit(commit::WriteRequest request, commit::WriteDone done) {
  auto recorded = [this, operation = request.operation,
                   done = std::move(done)](Result<commit::Receipt> result) mutable {
    if (!result) {
      const auto& error = result.error();
      if (const auto store = failed_store(error.code)) {
        parts_.failures.record(*store, failure_operation(operation.kind), describe(operation),
                               std::string(to_string(error.code)) + ": " + error.detail);
      }
    }
    done(std::move(result));
  };
  parts_.path.submit(std::move(request), std::move(recorded));
}

void LiveCartService::read(commit::UserId user, ShownDone done) {
  const auto deadline = parts_.clock.steady() + parts_.request_timeout;
  auto enrich = [this, deadline, done = std::move(done)](Result<commit::View> view) mutable {
    if (!view) return done(std::unexpected(std::move(view).error()));
    if (parts_.articles == nullptr)
      return done(ShownCart{.view = *std::move(view), .findings = std::nullopt});
    catalogue::Order order{
        .articles = {},
        .fresh_only = false,
        .until = std::min(deadline, parts_.clock.steady() + parts_.articles->timeout()),
        .answer = {}};
    for (const auto& line : view->cart.lines)
      order.articles.push_back(line.key.article_id());
    order.answer = [view = *std::move(view),
                    done = std::move(done)](std::vector<catalogue::Finding> findings) mutable {
      done(ShownCart{.view = std::move(view), .findings = std::move(findings)});
    };
    parts_.articles->ask(std::move(order));
  };
  parts_.path.read(std::move(user), std::move(enrich));
}

Health LiveCartService::health() const {
  Health health;
  health.policy = policy();
  health.ledger = parts_.ledger_state.snapshot();
  if (parts_.mirror_state) health.mirror = parts_.mirror_state->snapshot();
  health.lag = parts_.lag();
  health.instance = parts_.instance;
  health.version = parts_.version;
  health.uptime =
      std::chrono::duration_cast<std::chrono::seconds>(parts_.clock.steady() - started_);
  const auto whole = [](const StoreState::Snapshot& store) {
    return store.status != StoreState::Status::down && store.notice.empty();
  };
  const bool ledger_serves = parts_.ledger_state.readable();
  const bool mirror_serves = parts_.mirror_state && !parts_.mirror_state->down();
  if (!ledger_serves && !mirror_serves)
    health.status = Health::Status::down;
  else if (!whole(health.ledger) || (parts_.mirror_state && !whole(health.mirror)))
    health.status = Health::Status::degraded;
  return health;
}

void LiveCartService::set_policy(Policy policy) {
  const auto before = parts_.policy.exchange(policy);
  if (before != policy) {
    runtime::log::warn("write policy switched",
                       {{"to", policy == Policy::strict ? "strict" : "available"}});
  }
}

Result<void> LiveCartService::ready() const {
  if (auto refusal = commit::not_ready(policy(), parts_.ledger_state, parts_.mirror_state))
    return std::unexpected(*std::move(refusal));
  return {};
}

} // namespace panier::service
