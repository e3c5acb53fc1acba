#include <csignal>
#include <sys/resource.h>

#include "app/application.hpp"
#include "cli/cli.hpp"
#include "runtime/log.hpp"
#include "runtime/this_thread.hpp"

namespace panier::cli {
namespace {

// Signals are waited for, not handled: blocked in every thread (threads inherit the mask), taken by
// this one.
sigset_t service_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP})
    sigaddset(&set, signal);
  return set;
}

// A connection is a descriptor: take as many as the system lets us.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

runtime::log::Level log_level(config::LogLevel level) {
  switch (level) {
  case config::LogLevel::debug: return runtime::log::Level::debug;
  case config::LogLevel::info: return runtime::log::Level::info;
  case config::LogLevel::warn: return runtime::log::Level::warn;
  case config::LogLevel::error: return runtime::log::Level::error;
  }
  return runtime::log::Level::info;
}

std::string line_of(const Error& error) {
  if (error.code == Errc::config_invalid) return config::to_line(error);
  if (error.code == Errc::schema_unmigrated) return error.detail; // which says what to do
  return std::string(to_string(error.code)) + ": " + error.detail;
}

} // namespace

int serve(const config::Config& config, std::string_view version) {
  const auto signals = service_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN); // a file at its size limit fails its store, not the process
  raise_descriptor_limit();
  runtime::do_not_preempt();

  const runtime::SystemClock clock;
  const runtime::log::Session logging(log_level(config.log_level), clock);
  for (const auto& warning : config.warnings)
    runtime::log::warn(warning);
  auto app = app::Application::build(config, std::string(version));
  if (!app) return complain(exit_usage, line_of(app.error()));
  if (const auto started = (*app)->start(); !started)
    return complain(exit_usage, line_of(started.error()));

  for (bool stopping = false; !stopping;) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal == SIGHUP) {
      runtime::log::info("reopening failed_cart_requests.log");
      (*app)->reopen_logs();
      continue;
    }
    runtime::log::info("stopping", {{"signal", signal}});
    stopping = true; // a second signal stays pending and changes nothing
  }
  (*app)->stop();
  return exit_fine;
}

} // namespace panier::cli
