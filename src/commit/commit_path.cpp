#include "commit/commit_path.hpp"

#include "commit/availability.hpp"
#include "runtime/random.hpp"
#include "runtime/this_thread.hpp"

namespace panier::commit {
namespace {

// How late, at most, a deadline is noticed. Small beside every deadline, cheap beside a wake-up a
// request.
constexpr std::chrono::milliseconds deadline_tick{20};

class SystemIds final : public IdSource {
public:
  explicit SystemIds(const runtime::Clock& clock) : clock_(clock) {
    runtime::fill_random(process_);
    std::array<std::uint8_t, 3> start{};
    runtime::fill_random(start);
    counter_ = static_cast<std::uint32_t>(start[0] << 16 | start[1] << 8 | start[2]);
  }
  Token token() override {
    Token::Bytes bytes{};
    runtime::fill_random(bytes);
    return Token(bytes);
  }
  // As a MongoDB driver makes an ObjectId: seconds, five bytes of this source, a counter.
  CartId cart_id() override {
    const auto seconds = static_cast<std::uint32_t>(
        std::chrono::floor<std::chrono::seconds>(clock_.wall()).time_since_epoch().count());
    ++counter_;
    CartId::Bytes bytes{};
    for (unsigned i = 0; i < 4; ++i)
      bytes[i] = static_cast<std::uint8_t>(seconds >> (24 - 8 * i));
    std::ranges::copy(process_, bytes.begin() + 4);
    for (unsigned i = 0; i < 3; ++i)
      bytes[9 + i] = static_cast<std::uint8_t>(counter_ >> (16 - 8 * i));
    return CartId(bytes);
  }

private:
  const runtime::Clock& clock_;
  std::array<std::uint8_t, 5> process_{};
  std::uint32_t counter_ = 0;
};

} // namespace

std::unique_ptr<IdSource> system_ids(const runtime::Clock& clock) {
  return std::make_unique<SystemIds>(clock);
}

CommitPath::CommitPath(Settings settings, LaneShared shared, LedgerStore& ledger,
                       MirrorStore* mirror)
    : settings_(std::move(settings)), shared_(shared), mirrored_(mirror != nullptr),
      queue_(static_cast<std::size_t>(settings_.lanes),
             settings_.queue_max * static_cast<std::size_t>(settings_.lanes)),
      reader_(shared.clock, shared.ledger_state, shared.mirror_state, ledger.connect(),
              mirror ? mirror->connect() : nullptr, settings_.queue_max) {
  for (int i = 0; i < settings_.lanes; ++i) {
    ids_.push_back(settings_.ids(shared_.clock));
    lanes_.push_back(std::make_unique<Lane>(
        LaneKey{settings_.instance, i}, shared_, ledger.connect_lane(),
        mirror ? mirror->connect_lane() : nullptr, *ids_.back(), queue_, quarantine_));
  }
}

CommitPath::~CommitPath() {
  stop(std::chrono::milliseconds{0});
}

void CommitPath::start() {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    ++running_;
    threads_.emplace_back([this, i] {
      runtime::name_this_thread("lane-" + std::to_string(i));
      lanes_[i]->run(give_up_);
      --running_;
      running_.notify_all();
    });
  }
  threads_.emplace_back([this] {
    runtime::name_this_thread("reader");
    reader_.run();
  });
  deadlines_ = std::jthread([this](const std::stop_token& stop) { keep_deadlines(stop); });
}

void CommitPath::stop(std::chrono::milliseconds drain) {
  if (threads_.empty()) return;
  queue_.close();
  reader_.close();
  const auto until = std::chrono::steady_clock::now() + drain;
  while (running_ > 0 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(deadline_tick);
  give_up_ = true;
  queue_.wake();
  for (auto& thread : threads_)
    thread.join();
  threads_.clear();
  queue_.answer_rest();
  deadlines_ = {};
}

void CommitPath::submit(WriteRequest request, WriteDone done) {
  if (auto refusal = refuses_writes(shared_.policy.load(), shared_.ledger_state,
                                    mirrored_ ? &shared_.mirror_state : nullptr)) {
    return done(std::unexpected(std::move(*refusal)));
  }
  auto deadline = shared_.clock.steady() + shared_.timing.request_timeout;
  if (request.deadline) deadline = std::min(deadline, *request.deadline);
  auto write = std::make_shared<PendingWrite>(std::move(request), deadline, std::move(done));
  if (auto queued = queue_.push(write); !queued) write->answer(std::unexpected(queued.error()));
}

void CommitPath::expire_due() {
  queue_.expire_due(shared_.clock.steady());
  shared_.metrics.queue_depth(queue_.depth());
}

void CommitPath::keep_deadlines(const std::stop_token& stop) {
  runtime::name_this_thread("deadlines");
  while (!stop.stop_requested()) {
    expire_due();
    std::this_thread::sleep_for(deadline_tick);
  }
}

} // namespace panier::commit
