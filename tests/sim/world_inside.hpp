// What world.cpp, troubles.cpp, hands.cpp and clients.cpp share: one run from inside.
#pragma once

#include "history.hpp"
#include "process.hpp"
#include "world.hpp"

namespace panier::sim {

// The user of the n-th cart, from 1.
[[nodiscard]] inline std::string user_name(std::int64_t cart) {
  return "u" + std::to_string(cart);
}

class World {
public:
  explicit World(const Options& options)
      : options_(options), dice_(options.seed),
        plan_(options.script ? plan_of(*options.script) : draw_plan(dice_)),
        scheduler_(options.seed), clock_(scheduler_), ledger_(clock_) {}
  Outcome run();

private:
  // --- what goes wrong: troubles.cpp ---
  bool strikes(double odds, const char* what);
  bool happens(const std::string& trouble);
  std::optional<test::Fault> before_ledger(test::LedgerCall call);
  std::optional<test::Fault> before_mirror(test::MirrorCall call);
  std::optional<test::Fault> call_fault(bool slow);
  std::optional<test::Fault> commit_fault();
  std::optional<Script::Fault> next_scripted();
  std::optional<test::Fault> ledger_fault(test::LedgerCall call, Script::Fault fault);
  std::optional<test::Fault> mirror_fault(test::MirrorCall call, Script::Fault fault);
  void pause(bool mirror);
  void maybe_crash(const char* when);
  void judge_next_bulk();
  void schedule_incidents();
  void incident(const Incident& incident);
  // --- hands: hands.cpp ---
  void edit_mirror(int choice);
  void spoil_row(const std::string& user, bool unreadable);
  void restore_ledger();
  // --- clients: clients.cpp ---
  void next_request(std::size_t client);
  void follow_script(Call& call) const;
  void send(std::size_t client, std::size_t call);
  void wrote(std::size_t call, const Result<commit::Receipt>& got);
  std::function<void(const Result<commit::Receipt>&)> upkeep_asks(Scheduler::Group group,
                                                                  const cart::Operation& what);
  void answered(std::size_t call, Call::Told told, Errc code);
  void retry_or_go_on(std::size_t client, std::size_t call);
  [[nodiscard]] Process* somebody();
  // --- processes, and the end: world.cpp ---
  void heal();
  void audit();
  [[nodiscard]] std::optional<std::string> verify_all();
  void check_end();
  [[nodiscard]] bool quiet() const;
  [[nodiscard]] std::string difference() const;
  void died(Scheduler::Group group);
  void stop(Scheduler::Group group, Time drain);
  void finish_stop(Scheduler::Group group);
  [[nodiscard]] Process* process_of(Scheduler::Group group);
  void start_process(int slot);
  void tell(const std::string& what);

  const Options& options_;
  Dice dice_;
  const Plan plan_;
  Scheduler scheduler_;
  SimClock clock_; // the ledger server's
  test::MemoryLedgerStore ledger_;
  test::MemoryMirrorStore mirror_;
  std::vector<std::unique_ptr<Process>> processes_;
  Scheduler::Group groups_ = 0;
  bool healing_ = false;
  enum class Trouble : std::uint8_t { none, refuses, hangs };
  Trouble ledger_trouble_ = Trouble::none;
  Trouble mirror_trouble_ = Trouble::none;
  const Scheduler::Actor* crash_at_pause_ = nullptr;
  std::optional<test::MemoryLedgerStore::State> backup_;
  std::optional<test::MemoryMirrorStore::Documents> mirror_copy_;

  struct Client {
    int left = 0; // requests still to make
    Dice dice{0};
    std::map<std::string, cart::Version> last_seen;
  };
  std::vector<Client> clients_;
  static constexpr std::size_t nobody = ~std::size_t{0}; // upkeep, which does not ask again
  struct Sent {
    std::size_t client = 0;
    Scheduler::Group group = 0;
    std::optional<commit::Idempotency> key;
    int attempts = 1;
    bool open = true;
  };
  std::vector<Sent> sent_; // beside history_.calls
  int operations_ = 0;
  int unanswered_ = 0; // of history_.calls
  History history_;
  Outcome outcome_;
};

} // namespace panier::sim
