#include "limit.hpp"

#include <thread>
#include <vector>

#include "app/stores.hpp"
#include "commit/commit_path.hpp"
#include "program.hpp"
#include "store/mongo/mongo_mirror.hpp"
#include "store/sqlite/stores.hpp"

namespace panier::bench {
namespace {

using Clock = std::chrono::steady_clock;

// One lane's bulks, one after the other, over and over its own carts.
class BulkLane {
public:
  BulkLane(const MirrorRun& run, commit::MirrorStore& store, int lane, const runtime::Clock& clock)
      : batch_(static_cast<std::size_t>(run.batch)), mirror_(store.connect_lane()) {
    auto ids = commit::system_ids(clock);
    std::vector<cart::Line> lines;
    for (int line = 1; line <= run.carts.lines; ++line)
      lines.push_back({article_of(line), cart::Quantity::of(500)});
    for (int index = lane; index < run.carts.carts; index += run.lanes) {
      writes_.push_back({.user = user_of(run.carts, index),
                         .cart = {.id = ids->cart_id(), .exists = true, .lines = lines},
                         .id_maria = static_cast<std::uint32_t>(run.carts.first + index),
                         .token = ids->token(),
                         .updated_at = clock.wall()});
    }
  }

  // What is there already keeps its id, and its version is the least that is taken.
  void look() {
    for (std::size_t from = 0; from < writes_.size(); from += commit::read_users_max) {
      std::vector<commit::UserId> users;
      for (std::size_t at = from; at < std::min(from + commit::read_users_max, writes_.size());
           ++at)
        users.push_back(writes_[at].user);
      for (const auto& doc : must(mirror_->find(users, find_timeout))) {
        for (std::size_t at = from; at < from + users.size(); ++at) {
          if (writes_[at].user == doc.user) writes_[at].cart.version = doc.version;
        }
      }
    }
  }

  // The mirror's default timeout holds; a bulk that is not answered ends the program.
  [[nodiscard]] Rate run(Clock::time_point end) {
    Rate rate;
    const auto begin = Clock::now();
    auto now = begin;
    for (; now < end; now = Clock::now()) {
      if (next_ + batch_ > writes_.size()) next_ = 0;
      const auto bulk = std::span(writes_).subspan(next_, batch_);
      next_ += batch_;
      for (auto& write : bulk)
        ++write.cart.version;
      for (const auto took : must(mirror_->write(bulk, config::defaults::mirror_timeout)))
        ++(took == commit::Took::held ? rate.operations : rate.failed);
    }
    rate.time = now - begin;
    return rate;
  }

private:
  static constexpr std::chrono::milliseconds find_timeout{1'500};

  const std::size_t batch_;
  const std::unique_ptr<commit::Mirror> mirror_;
  std::vector<commit::MirrorWrite> writes_;
  std::size_t next_ = 0;
};

std::unique_ptr<commit::MirrorStore> mirror_of(const config::Config& config) {
  if (config.mirror == config::MirrorKind::mongodb)
    return must(store::mongo::MongoMirrorStore::make(app::mongo_settings(config)));
  store::sqlite::Settings settings;
  settings.dir = must(store::sqlite::DataDirectory::claim(config.data_dir));
  return std::make_unique<store::sqlite::SqliteMirrorStore>(settings);
}

} // namespace

Rate run_mirror(const MirrorRun& run) {
  if (run.carts.carts / run.lanes < run.batch)
    throw std::runtime_error("each lane needs at least a batch of carts");
  const runtime::SystemClock clock;
  const auto config = settings_from_environment("sqlite", run.store);
  const auto store = mirror_of(config);
  must(store->connect()->ensure_index(true, config.mirror_timeout));

  std::vector<std::unique_ptr<BulkLane>> lanes;
  for (int lane = 0; lane < run.lanes; ++lane) {
    lanes.push_back(std::make_unique<BulkLane>(run, *store, lane, clock));
    lanes.back()->look();
  }
  std::vector<Rate> rates(lanes.size());
  std::vector<std::thread> threads;
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    threads.emplace_back([&, lane] {
      run_main("panier-limit", [&] {
        static_cast<void>(lanes[lane]->run(Clock::now() + warm_up));
        rates[lane] = lanes[lane]->run(Clock::now() + run.time);
        return 0;
      });
    });
  }
  for (auto& thread : threads)
    thread.join();
  Rate sum;
  for (const auto& rate : rates) {
    if (rate.operations == 0) throw std::runtime_error("a lane wrote nothing");
    sum.operations += rate.operations;
    sum.failed += rate.failed;
    sum.time = std::max(sum.time, rate.time);
  }
  return sum;
}

} // namespace panier::bench
