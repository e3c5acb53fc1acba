#include "program.hpp"

#include <cstdio>
#include <exception>
#include <string>
#include <thread>

#include <sys/resource.h>
#include <unistd.h>

#include "http/server.hpp"

namespace panier::bench {
namespace {

sigset_t end_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

// What the clients never get of the descriptors, so that the stores have theirs.
constexpr std::size_t descriptors_reserved = 512;

} // namespace

config::Config settings_from_environment(std::string_view ledger, std::string_view mirror) {
  config::Input input;
  input.environment = config::environment_from(environ);
  input.environment.insert_or_assign("PANIER_LEDGER", std::string(ledger));
  input.environment.insert_or_assign("PANIER_MIRROR", std::string(mirror));
  input.cores = std::max(1U, std::thread::hardware_concurrency());
  return must(config::parse(input));
}

void begin_program() {
  const auto signals = end_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr); // threads inherit it
  std::signal(SIGPIPE, SIG_IGN);
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void serve(const http::Router& router, std::uint16_t port, unsigned threads) {
  http::Settings settings;
  settings.port = port;
  settings.threads = threads;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > 2 * descriptors_reserved)
    settings.connections_max =
        std::min(settings.connections_max, limit.rlim_cur - descriptors_reserved);
  http::Server server(settings, router);
  must(server.start());
  std::printf("listening on 127.0.0.1:%u\n", server.port());
  std::fflush(stdout);
  const auto signals = end_signals();
  int signal = 0;
  sigwait(&signals, &signal);
  server.stop(std::chrono::seconds(2));
}

int run_main(const char* program, const std::function<int()>& body) {
  try {
    return body();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", program, error.what());
    return 1;
  }
}

} // namespace panier::bench
