// What the service counts, for Prometheus: one object for the process, one typed method for each
// thing that happens. All methods are thread-safe, cheap enough for the hot path and never fail.
// The number of series is bounded: labels are route names, methods and words of our own,
// never text of a client.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/clock.hpp"
#include "runtime/store_state.hpp"

namespace panier::runtime {

class Metrics {
public:
  using Duration = std::chrono::steady_clock::duration;
  enum class CommitPhase : std::uint8_t { open, commit };

  Metrics(std::string_view version, const Clock& clock);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // `route` is the router's name ("unmatched" for none). A method that is not one of HTTP's usual
  // ones counts as "other".
  void http_request(std::string_view route, std::string_view method, unsigned status,
                    Duration took);

  void queue_depth(std::size_t operations);
  void batch(std::size_t operations,
             std::size_t carts); // a batch that was carried, empty ones left out by the caller
  void commit(CommitPhase phase, Duration took);
  void mirror_write(Duration took); // one bulk, answered or not
  void parked(std::size_t operations = 1);
  void repeated(); // a lane's ledger transaction, which met somebody else's
  void aborted(std::string_view reason,
               std::size_t carts = 1); // reason: a word of the commit path's own
  // One answer to one operation. `operation`: "add", ..; `result`: "ok" or an Errc's name.
  void operation(std::string_view operation, std::string_view result);

  void lag_carts(std::int64_t carts);
  void quarantined_carts(std::int64_t carts);
  void verify_differences(std::int64_t carts); // of the last complete round
  void verify_found();                         // one cart that differed, and is repaired

  // One request to the articles service that ended. `source`: the URL's setting; `result`: a word
  // of the catalogue's own.
  void article_request(std::string_view source, std::string_view result, Duration took);
  // Lines of carts, and stocks, that were answered for. `state`: "fresh", "stale", ..
  void article_lines(std::string_view state, std::size_t lines);
  void article_cache(std::size_t articles, std::size_t bytes);
  void article_source(std::string_view source, bool usable); // is that URL asked?

  // From now on text() shows this store; it must outlive the Metrics.
  void watch(const StoreState& store);
  // From now on text() shows what `count` returns as panier_failure_log_left_out_total.
  void watch_failure_log(std::function<std::uint64_t()> count);

  // The exposition, text format 0.0.4. Reads /proc/self; for the ops listener, not for a loop.
  [[nodiscard]] std::string text() const;
  static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace panier::runtime
