// A fixed amount of work, a function a section, for instruction counts: what a write and a read
// cost on the HTTP side, a lane's decisions, and what the stores' adapters make of them. No clock,
// no random numbers, no thread; check.py runs it under callgrind, which counts within section_*
// only.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "api/cart_api.hpp"
#include "commit/protocol.hpp"
#include "http/head_scanner.hpp"
#include "http/request_parser.hpp"
#include "http/response_head.hpp"
#include "store/lines/lines_json.hpp"
#include "store/mariadb/statements.hpp"
#include "store/mongo/document.hpp"
#include "store/sqlite/ledger.hpp"

namespace panier::bench {
namespace {

constexpr int requests = 2'000;
constexpr int rounds = 40;   // of a lane
constexpr int batch = 64;    // carts of a round
constexpr int repeats = 400; // of texts
constexpr int lines_a_cart = 5;
constexpr int lines_many = 50;
constexpr cart::Version version_start = 1'764'000'000'000;
constexpr auto now = commit::LedgerTime(std::chrono::milliseconds(version_start));

// Whatever is made ends here, so that no compiler leaves it out.
volatile std::size_t made_bytes = 0;
void made(std::size_t bytes) {
  made_bytes = made_bytes + bytes;
}

template <class T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "panier-scenario: %s\n", result.error().detail.c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

cart::UserId user(int number) {
  return *cart::UserId::parse("u" + std::to_string(10'000'000 + number));
}

std::vector<cart::Line> lines_of(int count) {
  std::vector<cart::Line> lines;
  for (int n = 1; n <= count; ++n)
    lines.push_back({*cart::LineKey::parse("a" + std::to_string(1'000 + n)),
                     cart::Quantity::from_thousandths(500'010)});
  return lines;
}

class CountingIds final : public commit::IdSource {
public:
  commit::Token token() override { return commit::Token(counted<commit::Token::Bytes>()); }
  commit::CartId cart_id() override { return commit::CartId(counted<commit::CartId::Bytes>()); }

private:
  template <class Bytes>
  Bytes counted() {
    Bytes bytes{};
    ++count_;
    for (std::size_t i = 0; i < sizeof count_; ++i)
      bytes[i] = static_cast<std::uint8_t>(count_ >> (8 * i));
    return bytes;
  }
  std::uint32_t count_ = 0;
};

// Answers at once.
class ReadyService final : public service::CartService {
public:
  void write(commit::WriteRequest request, commit::WriteDone done) override {
    done(commit::Receipt{.outcome = {.kind = request.operation.kind,
                                     .id = {},
                                     .version = version_start,
                                     .quantity = request.operation.quantity,
                                     .changed = true}});
  }
  void read(commit::UserId owner, service::ShownDone done) override {
    commit::View view{.user = std::move(owner),
                      .cart = {.id = {}, .version = version_start, .exists = true, .lines = lines_},
                      .id_maria = 1};
    done(service::ShownCart{.view = std::move(view), .findings = std::nullopt});
  }
  [[nodiscard]] service::Health health() const override { return {}; }
  [[nodiscard]] service::Policy policy() const override { return service::Policy::strict; }
  void set_policy(service::Policy) override {}
  [[nodiscard]] Result<void> ready() const override { return {}; }

private:
  const std::vector<cart::Line> lines_ = lines_of(lines_a_cart);
};

// One request from its bytes to the bytes of its answer, as http/session.cpp does it without the
// socket. Another status than `wanted` ends the program: a refusal costs something else.
void exchange(const http::Router& router, std::string_view wire, unsigned wanted) {
  static constexpr http::ParserLimits limits{
      .headers_count_max = 100, .headers_bytes_max = 16'384, .body_bytes_max = 65'536};
  static std::string head;
  http::Request request;
  http::HeadScanner scanner;
  http::RequestParser parser(limits, request);
  if (scanner.scan(wire) != http::HeadScanner::Found::end) std::exit(1);
  must(parser.head(wire.substr(0, scanner.head_size())));
  if (!parser.done()) made(must(parser.body(wire.substr(scanner.head_size()))));
  const auto match = router.match(request);
  if (match.handler == nullptr) std::exit(1);
  (*match.handler)(std::move(request), [wanted](http::Response response) {
    if (response.status != wanted) {
      std::fprintf(stderr, "panier-scenario: %u: %s\n", response.status, response.body.c_str());
      std::exit(1);
    }
    http::write_head(head, response, http::Persistence::keep, "Sun, 06 Nov 1994 08:49:37 GMT");
    made(head.size() + response.body.size());
  });
}

// A lane's rounds on carts that are there: what Protocol is told, and what it says.
class Rounds {
public:
  Rounds() {
    for (int n = 0; n < batch; ++n)
      rows_.push_back({.user = user(n),
                       .cart = {.id = ids_.cart_id(),
                                .version = version_start,
                                .exists = true,
                                .lines = lines_of(lines_a_cart)},
                       .id_maria = static_cast<std::uint32_t>(n + 1)});
  }
  [[nodiscard]] std::vector<commit::PendingWritePtr> writes() const {
    std::vector<commit::PendingWritePtr> writes;
    for (int n = 0; n < batch; ++n) {
      auto write = std::make_shared<commit::PendingWrite>(
          commit::WriteRequest{.operation = {.kind = cart::OperationKind::add,
                                             .user = user(n),
                                             .line = lines_of(1).front().key,
                                             .quantity = cart::Quantity::from_thousandths(10),
                                             .if_match = std::nullopt},
                               .idempotency = std::nullopt},
          runtime::SteadyTime::max(), [](const Result<commit::Receipt>& receipt) {
            made(static_cast<std::size_t>(must(receipt).outcome.version));
          });
      if (!write->take()) std::exit(1);
      writes.push_back(std::move(write));
    }
    return writes;
  }
  // As the ledger would show them after the last round.
  [[nodiscard]] commit::Opened opened() const {
    commit::Opened opened;
    opened.now = now;
    opened.own = own_;
    opened.carts = rows_;
    return opened;
  }
  void keep(const commit::Round& round) {
    own_ = round.writes.row;
    for (const auto& written : round.writes.carts) {
      const auto at = std::ranges::find(rows_, written.user, &commit::CartRow::user);
      *at = written;
    }
  }

  commit::Protocol& protocol() { return protocol_; }

private:
  CountingIds ids_;
  commit::Protocol protocol_{commit::LaneKey{"instance", 0}, {}, ids_};
  std::vector<commit::CartRow> rows_;
  std::optional<commit::LaneRow> own_;
};

struct Decided {
  commit::OpenRequest request;
  commit::Writes writes;
  std::vector<commit::MirrorWrite> sent;
};

class FixedClock final : public runtime::Clock {
public:
  [[nodiscard]] runtime::SteadyTime steady() const override { return {}; }
  [[nodiscard]] runtime::WallTime wall() const override { return now; }
};

} // namespace
} // namespace panier::bench

using namespace panier;
using namespace panier::bench;

// ---- what is counted; each name begins with section_, and check.py finds them by it.
// noipa: two that look alike must not become one.

extern "C" {

[[gnu::noipa]] void section_patch(const http::Router& router, std::string_view wire) {
  for (int n = 0; n < requests; ++n)
    exchange(router, wire, 201);
}

[[gnu::noipa]] void section_get(const http::Router& router, std::string_view wire) {
  for (int n = 0; n < requests; ++n)
    exchange(router, wire, 200);
}

// One lane's round: settles the last batch, reserves the next, and hears of the mirror.
[[gnu::noipa]] void section_protocol(commit::Protocol& protocol,
                                     std::vector<commit::PendingWritePtr>& writes,
                                     commit::Opened opened, Decided& decided) {
  decided.request = protocol.open_request(writes);
  auto round = protocol.decide(std::move(opened), writes, commit::Policy::strict);
  decided.writes = round.writes;
  for (auto& [write, result] : protocol.committed(std::move(round)))
    write->answer(std::move(result));
  decided.sent = protocol.to_send();
  protocol.bulk_answered(std::vector(decided.sent.size(), commit::Took::held));
}

[[gnu::noipa]] void section_sql(const Decided& decided, const std::vector<commit::CartRow>& seen) {
  store::mariadb::Sql open;
  open.statement("BEGIN");
  store::mariadb::mark(open, *decided.request.lane);
  store::mariadb::lock_carts(open, decided.request.wanted);
  store::mariadb::look(open, decided.request);
  store::mariadb::Sql commit;
  must(store::mariadb::write_all(commit, decided.writes, decided.writes.carts, seen));
  made(open.text().size() + commit.text().size());
}

[[gnu::noipa]] void section_bson(const std::vector<commit::MirrorWrite>& writes) {
  store::mongo::Bson command;
  store::mongo::append_update(command.get(), "panier", writes);
  made(command.get()->len);
}

[[gnu::noipa]] void section_lines(const std::vector<cart::Line>& few,
                                  const std::vector<cart::Line>& many) {
  for (int n = 0; n < repeats; ++n) {
    for (const auto* lines : {&few, &many})
      made(must(store::lines_from_json(store::lines_to_json(*lines))).size());
  }
}

[[gnu::noipa]] void section_sqlite(commit::Ledger& ledger, const Decided& decided) {
  must(ledger.open(decided.request));
  must(ledger.commit(decided.writes));
}
}

namespace panier::bench {
namespace {

void http_sections() {
  ReadyService service;
  const auto router = api::make_cart_router(service, {});
  const std::string body = R"({"article_id":"a1001","quantite":0.01})";
  section_patch(router, "PATCH /paniers/add_to_cart/u10000001 HTTP/1.1\r\nHost: bench\r\n"
                        "Content-Type: application/json\r\nContent-Length: " +
                            std::to_string(body.size()) + "\r\n\r\n" + body);
  section_get(router, "GET /paniers/u10000001 HTTP/1.1\r\nHost: bench\r\n\r\n");
}

void lane_sections(commit::Ledger& ledger) {
  Rounds lane;
  Decided decided;
  for (int round = 0; round < rounds; ++round) {
    auto writes = lane.writes();
    auto opened = lane.opened();
    const auto seen = opened.carts;
    section_protocol(lane.protocol(), writes, std::move(opened), decided);
    commit::Round kept;
    kept.writes = decided.writes;
    lane.keep(kept);
    section_sql(decided, seen);
    section_bson(decided.sent);
    section_sqlite(ledger, decided);
  }
  for (auto& reply : lane.protocol().forget()) // of the last round, which nobody settles
    reply.write->answer(commit::Receipt{});
}

// A ledger in a directory of its own, where sections find the carts of Rounds.
class TemporaryLedger {
public:
  TemporaryLedger() {
    auto name = (std::filesystem::temp_directory_path() / "panier-scenario-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::exit(1);
    directory_ = name;
    store::sqlite::Settings settings;
    settings.dir = must(store::sqlite::DataDirectory::claim(directory_));
    store_.emplace(settings, clock_);
    must(store_->prepare());
    ledger_ = store_->connect();
  }
  ~TemporaryLedger() {
    ledger_.reset();
    store_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  TemporaryLedger(const TemporaryLedger&) = delete;
  TemporaryLedger& operator=(const TemporaryLedger&) = delete;

  [[nodiscard]] commit::Ledger& get() { return *ledger_; }

private:
  const FixedClock clock_;
  std::filesystem::path directory_;
  std::optional<store::sqlite::SqliteLedgerStore> store_;
  std::unique_ptr<commit::Ledger> ledger_;
};

} // namespace
} // namespace panier::bench

int main() {
  http_sections();
  TemporaryLedger ledger;
  lane_sections(ledger.get());
  section_lines(lines_of(lines_a_cart), lines_of(lines_many));
  std::printf("%zu bytes made\n", made_bytes);
  return 0;
}
