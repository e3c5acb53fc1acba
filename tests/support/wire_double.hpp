// The wire double: a small MongoDB server of our own, in memory, for what no stand-in can show on
// demand: guarded upserts that are really atomic, MongoDB's error codes, write concern errors,
// answers that come late, by halves or not at all, old and new wire versions. Every login is
// refused (code 18). Speaks OP_MSG, and OP_QUERY for the first hello.
//
// As a program: panier-wire-double (wire_double_main.cpp); its faults are set with the command
// panierFault.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/wire_fault.hpp"

namespace panier::support {

// maxWireVersion of MongoDB's releases.
inline constexpr int mongodb_4_2 = 8;
inline constexpr int mongodb_4_4 = 9;
inline constexpr int mongodb_6 = 17;
inline constexpr int mongodb_7 = 21;
inline constexpr int mongodb_8 = 25;

class WireDouble {
public:
  enum class Topology : std::uint8_t { standalone, replica_set };
  struct Options {
    std::uint16_t port = 0; // on 127.0.0.1; 0 takes a free one
    int max_wire_version = mongodb_7;
    Topology topology = Topology::replica_set;
    std::chrono::microseconds delay{0}; // of each read and write
    std::size_t batch_documents_max =
        100'000; // of a find's answer; a small one makes clients come back for more
  };

  // Listening; throws std::runtime_error when it cannot.
  explicit WireDouble(Options options);
  WireDouble() : WireDouble(Options{}) {}
  ~WireDouble();
  WireDouble(const WireDouble&) = delete;
  WireDouble& operator=(const WireDouble&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  // mongodb://[login@]127.0.0.1:port/Paniers[?options]
  [[nodiscard]] std::string uri(std::string_view options = "", std::string_view login = "") const;

  void inject(WireFault fault);
  // Ends hangs, too.
  void clear_faults();

  // Closes the listener and every connection: "connection refused". The documents stay.
  void down();
  // Listens again, on the same port.
  void up();

  // How many commands of this name came.
  [[nodiscard]] int count(std::string_view command) const;
  // Waits until that many came; false: not within the time.
  [[nodiscard]] bool wait_count(std::string_view command, int at_least,
                                std::chrono::milliseconds time) const;
  // The last command of this name, as relaxed extended JSON; "" if none came. Without its documents
  // sequences.
  [[nodiscard]] std::string last(std::string_view command) const;

  // For hand edits: changes that another program made. `json`: extended JSON of documents or
  // conditions.
  void insert(std::string_view json);
  // {q, u} of an update without guard; how many matched.
  int edit(std::string_view query_json, std::string_view update_json);
  // Documents as canonical extended JSON.
  [[nodiscard]] std::vector<std::string> documents(std::string_view filter_json = "{}") const;
  void drop_index();

private:
  class Server;
  std::unique_ptr<Server> server_;
};

} // namespace panier::support
