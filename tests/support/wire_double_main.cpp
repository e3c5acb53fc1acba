// The wire double as a program, for the integration tests and as a benchmark's mirror:
//
//   panier-wire-double [--port N] [--delay-ms N | --delay-us N] [--wire-version N]
//                      [--standalone]
//
// Prints MONGO_URI_PANIERS=mongodb://127.0.0.1:PORT/Paniers once it listens, ends on SIGTERM or
// SIGINT. Its documents live in memory and end with it. Faults: the command panierFault on any
// database, e.g. {panierFault: "update", kind: "drop_after", times: 1}; kinds in wire_fault.hpp.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>

#include "support/wire_double.hpp"

namespace {

int run(int argc, char** argv) {
  using panier::support::WireDouble;
  WireDouble::Options options;
  int delay_ms = 0, delay_us = 0;
  bool standalone = false;
  CLI::App app("A small MongoDB server in memory, with faults on demand");
  app.add_option("--port", options.port, "on 127.0.0.1; 0 takes a free one");
  auto* const in_ms = app.add_option("--delay-ms", delay_ms, "of each read and write");
  in_ms->check(CLI::Range(0, 60'000));
  app.add_option("--delay-us", delay_us, "the same, finer")
      ->check(CLI::Range(0, 60'000'000))
      ->excludes(in_ms);
  app.add_option("--wire-version", options.max_wire_version, "8: MongoDB 4.2, 21: 7.0, 25: 8.0")
      ->check(CLI::Range(6, 99));
  app.add_flag("--standalone", standalone, "instead of a replica set's primary");
  CLI11_PARSE(app, argc, argv);
  options.delay = std::chrono::milliseconds(delay_ms) + std::chrono::microseconds(delay_us);
  if (standalone) options.topology = WireDouble::Topology::standalone;

  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr); // before any thread: all inherit it
  const WireDouble server(options);
  std::printf("MONGO_URI_PANIERS=%s\n", server.uri().c_str());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&ends, &signal);
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "panier-wire-double: %s\n", error.what());
    return 1;
  }
}
