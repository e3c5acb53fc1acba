// What the MariaDB tests share: a prepared store in a database of its own, and looks at the server
// from outside.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "store/mariadb/ledger_store.hpp"
#include "suite_values.hpp"
#include "support/mariadb_server.hpp"

namespace panier::contract {

using store::mariadb::MariadbLedgerStore;
using store::mariadb::Settings;
using support::MariadbServer;

inline Settings mariadb_settings(const MariadbServer& server, std::string database) {
  Settings settings;
  settings.host = "127.0.0.1";
  settings.port = server.port();
  settings.user = MariadbServer::user();
  settings.password = MariadbServer::password();
  settings.database = std::move(database);
  return settings;
}

class MariadbTest : public testing::Test {
protected:
  explicit MariadbTest(MariadbServer& server = MariadbServer::shared())
      : server_(server), database_(server.fresh_database()),
        settings_(mariadb_settings(server, database_)) {}

  // Prepared, with the given cart in it.
  std::unique_ptr<Ledger> prepared() {
    must(MariadbLedgerStore(settings_).prepare());
    return connect();
  }
  std::unique_ptr<Ledger> connect() { return MariadbLedgerStore(settings_).connect(); }

  static OpenRequest want(std::optional<LaneKey> lane, std::vector<OpenRequest::Wanted> wanted) {
    return {std::move(lane), std::move(wanted), {}};
  }
  static OpenRequest want(std::string_view who, int fresh_id) {
    return want(std::nullopt, {{user(who), cart_id(fresh_id)}});
  }

  // What a lane writes that gives the cart of `opened` this version.
  static Writes visible(const Opened& opened, Version version) {
    Writes writes;
    writes.carts = opened.carts;
    for (auto& row : writes.carts) {
      row.cart.exists = true;
      row.cart.version = version;
      row.updated_at = row.created_at = opened.now;
    }
    if (opened.own) {
      writes.row = *opened.own;
      ++writes.row->last_batch;
    }
    return writes;
  }

  // A cart of this user at this version.
  void put(Ledger& ledger, std::string_view who, int id, Version version) {
    const auto opened = must(ledger.open(want(who, id)));
    must(ledger.commit(visible(opened, version)));
  }
  // The lane's row, so that it exists.
  void make_lane(Ledger& ledger, const LaneKey& key) {
    const auto opened = must(ledger.open(want(key, {})));
    Writes writes;
    writes.row = LaneRow{key, 1, {}, {}, {}, {}, opened.now};
    must(ledger.commit(writes));
  }
  static Version version_of(Ledger& ledger, std::string_view who) {
    const auto whose = user(who);
    const auto rows = must(ledger.read(std::span(&whose, 1)));
    return rows.empty() ? -1 : rows[0].cart.version;
  }

  // KILL CONNECTION for all that panier has open on this test's database; returns when the server
  // has forgotten them.
  void kill_connections() {
    const auto mine = " FROM information_schema.processlist WHERE db='" + database_ +
                      "' AND user='" + MariadbServer::user() + "'";
    while (true) {
      const auto id = server_.ask("SELECT COALESCE(MIN(id),0)" + mine);
      if (id == "0") return;
      try {
        server_.run("KILL CONNECTION " + id);
      } catch (const std::runtime_error&) { // gone by itself
      }
    }
  }
  std::string connection_ids() {
    return server_.ask("SELECT GROUP_CONCAT(id) FROM information_schema.processlist WHERE db='" +
                       database_ + "' AND user='" + MariadbServer::user() + "'");
  }
  // Another process' state can only be asked for again and again.
  void wait_until(const std::function<bool()>& reached) {
    const auto give_up = std::chrono::steady_clock::now() + 20s;
    while (!reached()) {
      if (std::chrono::steady_clock::now() > give_up) throw std::runtime_error("never reached");
      std::this_thread::sleep_for(poll_every);
    }
  }

  // A stranger's transaction of these statements, as root, and back when it waits for somebody's
  // lock.
  std::jthread stranger_who_waits(const std::string& sql) {
    std::jthread stranger([this, sql] {
      try {
        server_.run(sql, database_);
      } catch (const std::exception& e) {
        ADD_FAILURE() << e.what();
      }
    });
    wait_for_a_waiter();
    return stranger;
  }
  // Until somebody waits for a lock in this test's database.
  void wait_for_a_waiter() {
    wait_until([&] {
      return server_.ask("SELECT COUNT(*) FROM information_schema.innodb_trx t JOIN "
                         "information_schema.processlist p ON p.id=t.trx_mysql_thread_id WHERE "
                         "t.trx_state='LOCK WAIT' AND p.db='" +
                         database_ + "'") != "0";
    });
  }

  // The server renews innodb_trx only when nobody has read it for 100 ms.
  static constexpr auto poll_every = 150ms;

  MariadbServer& server_;
  const std::string database_;
  Settings settings_;
};

// How long a call took.
class Stopwatch {
public:
  [[nodiscard]] auto elapsed() const { return std::chrono::steady_clock::now() - started_; }

private:
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

} // namespace panier::contract
