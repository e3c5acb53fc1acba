// What the benchmark's programs share: the product's own settings, and a server until SIGTERM.
#pragma once

#include <csignal>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "config/config.hpp"
#include "http/router.hpp"
#include "result/result.hpp"

namespace panier::bench {

// A failure ends these programs: run_main() tells it.
template <class T>
T must(Result<T> result) {
  if (!result) {
    throw std::runtime_error(std::string(to_string(result.error().code)) + ": " +
                             config::to_line(result.error()));
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

// The product's settings from the environment, with these two stores (PANIER_LEDGER,
// PANIER_MIRROR).
[[nodiscard]] config::Config settings_from_environment(std::string_view ledger,
                                                       std::string_view mirror);

// Blocks SIGTERM and SIGINT, which serve() waits for; as many descriptors as the system allows.
// Before any thread is made.
void begin_program();

// Serves on 127.0.0.1, prints "listening on 127.0.0.1:PORT", returns at SIGTERM or SIGINT.
void serve(const http::Router& router, std::uint16_t port, unsigned threads);

// `body`, with its exceptions told on standard error: exit 1.
int run_main(const char* program, const std::function<int()>& body);

} // namespace panier::bench
