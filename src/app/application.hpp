// The composition root: what is built from what, and in which order it starts and stops.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "app/stores.hpp"
#include "catalogue/catalogue.hpp"
#include "commit/commit_path.hpp"
#include "config/config.hpp"
#include "http/server.hpp"
#include "runtime/failure_log.hpp"
#include "runtime/metrics.hpp"
#include "service/live_cart_service.hpp"
#include "upkeep/probe.hpp"
#include "upkeep/upkeep.hpp"

namespace panier::app {

class Application {
public:
  // What stop() takes at most, hanging stores included; the pieces are in application.cpp.
  static constexpr std::chrono::seconds stop_max{10};

  // config_invalid or schema_unmigrated: nothing was started, the error's line is for the operator.
  // A store that is down is no error. `config` is copied where it is needed.
  static Result<std::unique_ptr<Application>> build(const config::Config& config,
                                                    const std::string& version);
  ~Application();
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  // config_invalid: an address cannot be had.
  Result<void> start();
  // Stops accepting, finishes what is in flight, settles. Once.
  void stop();
  // SIGHUP.
  void reopen_logs() { failures_.reopen(); }

private:
  Application(const config::Config& config, const std::string& version, OpenStores stores,
              bool prepared);

  // In the order of construction; each uses only what stands above it.
  const runtime::SystemClock clock_;
  const config::Config config_;
  const std::string instance_;
  OpenStores stores_;
  runtime::StoreState ledger_state_;
  runtime::StoreState mirror_state_; // unused where there is no mirror
  runtime::Metrics metrics_;
  runtime::FailureLog failures_;
  std::atomic<commit::Policy> policy_;
  commit::CommitPath path_;
  upkeep::Upkeep upkeep_;
  upkeep::LedgerProbe ledger_probe_;
  std::optional<upkeep::MirrorProbe> mirror_probe_;
  const std::unique_ptr<catalogue::Catalogue> articles_; // nullptr: no URL_ARTICLE_*
  service::LiveCartService service_;
  const http::Router cart_router_;
  const http::Router ops_router_;
  http::Server ops_;
  http::Server carts_;
  bool running_ = false;
};

} // namespace panier::app
