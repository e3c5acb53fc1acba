// Several settings together: which stores are used, environment over file, relations, masking.
#include <gmock/gmock.h>

#include "config/config.hpp"
#include "config/settings.hpp"

namespace panier::config {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

const Environment mariadb_settings{{"DB_LOCAL_HOST", "db"},
                                   {"DB_LOCAL_LOGIN", "user"},
                                   {"DB_LOCAL_PASSWORD", "sesame"},
                                   {"DB_LOCAL_NAME", "amazoff"}};
const Environment mongodb_settings{
    {"MONGO_URI_PANIERS", "mongodb://admin:sesame@mongo:27017/Paniers"}};

Environment merged(std::initializer_list<Environment> parts) {
  Environment all;
  for (const Environment& part : parts)
    for (const auto& [key, value] : part)
      all.insert_or_assign(key, value);
  return all;
}

Result<Config> parsed(const Environment& environment,
                      std::optional<std::string> file = std::nullopt) {
  return parse({.environment = environment, .file = std::move(file), .cores = 2});
}

// The setting that is blamed; "" when nothing is.
std::string blamed(const Environment& environment) {
  const auto config = parsed(environment);
  if (config) return "";
  EXPECT_EQ(config.error().code, Errc::config_invalid);
  EXPECT_THAT(to_line(config.error()), Not(HasSubstr("sesame")));
  EXPECT_THAT(to_line(config.error()), Not(HasSubstr("\n")));
  return config.error().field;
}

std::string error_line(const Environment& environment) {
  const auto config = parsed(environment);
  return config ? "" : to_line(config.error());
}

TEST(Parse, defaults_are_the_embedded_mode) {
  const auto config = parsed({});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->ledger, LedgerKind::sqlite);
  EXPECT_EQ(config->mirror, MirrorKind::sqlite);
  EXPECT_EQ(config->port, 6004);
  EXPECT_EQ(config->lanes, 2);
  EXPECT_EQ(config->threads, 2);
  EXPECT_EQ(config->failed_log, "panier-data/failed_cart_requests.log");
  EXPECT_FALSE(config->cors.enabled());
  EXPECT_THAT(config->warnings, IsEmpty());
}

TEST(Parse, threads_follow_the_cores_within_bounds) {
  EXPECT_EQ(parse({.environment = {}, .file = {}, .cores = 0})->threads, 2);
  EXPECT_EQ(parse({.environment = {}, .file = {}, .cores = 8})->threads, 8);
  EXPECT_EQ(parse({.environment = {}, .file = {}, .cores = 4'000'000'000U})->threads, 16);
  EXPECT_EQ(parse({.environment = {{"PANIER_THREADS", "64"}}, .file = {}, .cores = 8})->threads,
            64);
}

TEST(Parse, chooses_the_stores_by_what_is_present) {
  struct Case {
    bool mariadb, mongodb;
    std::string ledger, mirror; // PANIER_LEDGER, PANIER_MIRROR; empty: unset
    std::string expected;       // "ledger mirror", or the setting that is blamed
  };
  const Case cases[] = {
      {false, false, "", "", "sqlite sqlite"},
      {true, true, "", "", "mariadb mongodb"},
      {true, false, "", "", "MONGO_URI_PANIERS"},
      {false, true, "", "", "DB_LOCAL_HOST"},
      {true, false, "", "none", "mariadb none"},
      {true, false, "", "sqlite", "mariadb sqlite"},
      {true, false, "mariadb", "", "MONGO_URI_PANIERS"},
      {true, false, "sqlite", "", "MONGO_URI_PANIERS"},
      {true, false, "", "mongodb", "MONGO_URI_PANIERS"},
      {false, true, "sqlite", "", "sqlite mongodb"},
      {false, true, "", "mongodb", "DB_LOCAL_HOST"},
      {false, true, "", "sqlite", "DB_LOCAL_HOST"},
      {false, true, "mariadb", "", "DB_LOCAL_HOST"},
      {false, false, "mariadb", "mongodb", "DB_LOCAL_HOST"},
      {false, false, "sqlite", "mongodb", "MONGO_URI_PANIERS"},
      {false, false, "sqlite", "", "sqlite sqlite"},
      {false, false, "", "none", "sqlite none"},
      {true, true, "sqlite", "none", "sqlite none"},
      {true, true, "sqlite", "", "sqlite mongodb"},
      {true, true, "", "sqlite", "mariadb sqlite"},
      {true, true, "mysql", "", "PANIER_LEDGER"},
      {true, true, "", "MongoDB", "PANIER_MIRROR"},
  };
  for (const Case& c : cases) {
    Environment environment = merged({c.mariadb ? mariadb_settings : Environment{},
                                      c.mongodb ? mongodb_settings : Environment{}});
    if (!c.ledger.empty()) environment["PANIER_LEDGER"] = c.ledger;
    if (!c.mirror.empty()) environment["PANIER_MIRROR"] = c.mirror;
    const auto config = parsed(environment);
    const std::string got = config ? std::string(to_string(config->ledger)) + " " +
                                         std::string(to_string(config->mirror))
                                   : config.error().field;
    EXPECT_EQ(got, c.expected) << c.mariadb << c.mongodb << " ledger=" << c.ledger
                               << " mirror=" << c.mirror;
  }
}

TEST(Parse, settings_of_a_server_that_is_not_used_are_told) {
  auto environment = merged({mariadb_settings,
                             mongodb_settings,
                             {{"PANIER_LEDGER", "sqlite"}, {"PANIER_MIRROR", "none"}}});
  const auto config = parsed(environment);
  ASSERT_TRUE(config);
  EXPECT_THAT(config->warnings, Contains(HasSubstr("DB_LOCAL_")));
  EXPECT_THAT(config->warnings, Contains(HasSubstr("MONGO_URI_PANIERS")));
  EXPECT_THAT(config->warnings, Contains(HasSubstr("no second copy")));
}

TEST(Parse, a_part_of_the_mariadb_settings_is_refused_by_name) {
  for (const auto& [key, value] : mariadb_settings) {
    Environment environment = merged({mariadb_settings, mongodb_settings});
    environment.erase(key);
    EXPECT_EQ(blamed(environment), key);
  }
  EXPECT_EQ(blamed({{"DB_LOCAL_PORT", "3306"}}), "DB_LOCAL_HOST");
}

TEST(Parse, present_but_empty_is_refused_for_every_setting) {
  for (const Setting& setting : settings()) {
    Environment environment = merged({mariadb_settings, mongodb_settings});
    environment[std::string(setting.key)] = "";
    EXPECT_EQ(blamed(environment), setting.key);
  }
  EXPECT_EQ(parsed({}, "MONGO_URI_PANIERS=\n").error().field, "MONGO_URI_PANIERS");
}

TEST(Parse, every_number_is_held_to_its_limits) {
  for (const Setting& setting : settings()) {
    if (!setting.values.empty()) continue;
    const Environment base = merged({mariadb_settings, mongodb_settings});
    for (const std::string& bad :
         {std::to_string(setting.min - 1), std::to_string(setting.max + 1), std::string("1e3"),
          std::string("+1"), std::string(" 1"), std::string("1 "), std::string("1.5"),
          std::string("0x10"), std::string("99999999999999999999"), std::string("-0")})
      EXPECT_EQ(blamed(merged({base, {{std::string(setting.key), bad}}})), setting.key) << bad;
  }
}

TEST(Parse, every_time_must_stand_in_its_place) {
  EXPECT_EQ(blamed({{"PANIER_MIRROR_TIMEOUT_MS", "5000"}}), "PANIER_MIRROR_TIMEOUT_MS");
  EXPECT_EQ(blamed({{"PANIER_RESERVATION_TTL_MS", "2000"}}), "PANIER_RESERVATION_TTL_MS");
  EXPECT_EQ(blamed({{"PANIER_RESERVATION_TTL_MS", "10000"}}), "PANIER_RESERVATION_TTL_MS");
  EXPECT_EQ(blamed({{"PANIER_REQUEST_TIMEOUT_MS", "5000"}}), "PANIER_REQUEST_TIMEOUT_MS");
  EXPECT_EQ(blamed({{"PANIER_REQUEST_TIMEOUT_MS", "75000"}}), "PANIER_REQUEST_TIMEOUT_MS");
  EXPECT_EQ(blamed({{"PANIER_IDLE_TIMEOUT_MS", "10000"}}), "PANIER_IDLE_TIMEOUT_MS");
  EXPECT_EQ(blamed({{"PANIER_PARK_RETRY_MS", "100"}, {"PANIER_MIRROR_TIMEOUT_MS", "100"}}),
            "PANIER_PARK_RETRY_MS");
  EXPECT_EQ(blamed({{"PANIER_MIRROR_TIMEOUT_MS", "200"},
                    {"PANIER_RESERVATION_TTL_MS", "201"},
                    {"PANIER_REQUEST_TIMEOUT_MS", "202"},
                    {"PANIER_IDLE_TIMEOUT_MS", "500"}}),
            "");
}

TEST(Parse, times_that_do_not_fit_nginx_are_told) {
  const auto config =
      parsed({{"PANIER_REQUEST_TIMEOUT_MS", "60000"}, {"PANIER_IDLE_TIMEOUT_MS", "60001"}});
  ASSERT_TRUE(config);
  EXPECT_THAT(config->warnings, Contains(HasSubstr("PANIER_REQUEST_TIMEOUT_MS")));
  EXPECT_THAT(parsed({{"PANIER_IDLE_TIMEOUT_MS", "60000"}})->warnings,
              Contains(HasSubstr("PANIER_IDLE_TIMEOUT_MS")));
}

TEST(Parse, the_number_of_lanes_depends_on_the_ledger_until_it_is_set) {
  EXPECT_EQ(parsed({})->lanes, 2);
  EXPECT_EQ(parsed({{"PANIER_LANES", "1"}})->lanes, 1);
  EXPECT_EQ(parsed({{"PANIER_LANES", "4"}})->lanes, 4);
  EXPECT_EQ(parsed(merged({mariadb_settings, mongodb_settings}))->lanes, 4);
  EXPECT_EQ(parsed(merged({mariadb_settings, mongodb_settings, {{"PANIER_LANES", "64"}}}))->lanes,
            64);
}

TEST(Parse, both_listeners_cannot_share_a_port) {
  EXPECT_EQ(blamed({{"PANIER_PORT", "7000"}, {"PANIER_OPS_PORT", "7000"}}), "PANIER_OPS_PORT");
  EXPECT_EQ(blamed({{"PANIER_HOST", "::"}, {"PANIER_PORT", "6005"}}), "PANIER_OPS_PORT");
  EXPECT_EQ(blamed({{"PANIER_PORT", "0"}, {"PANIER_OPS_PORT", "0"}}), "");
  EXPECT_EQ(blamed({{"PANIER_HOST", "127.0.0.2"}, {"PANIER_PORT", "6005"}}), "");
}

TEST(Parse, an_unknown_key_of_ours_is_refused_with_a_guess) {
  const auto config = parsed({{"PANIER_LANE", "4"}});
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().field, "PANIER_LANE");
  EXPECT_THAT(config.error().detail, HasSubstr("PANIER_LANES"));
  EXPECT_EQ(parsed({}, "PANIER_XYZZY_PLUGH=1").error().field, "PANIER_XYZZY_PLUGH");
  EXPECT_THAT(parsed({}, "PANIER_XYZZY_PLUGH=1").error().detail, Not(HasSubstr("did you mean")));
  // What belongs to others is theirs.
  EXPECT_TRUE(parsed({{"PATH", ""}, {"PANIER_TEST_MONGO_URI", "x"}, {"MONGO_URI_USERS", ""}},
                     "REDIS_URL="));
}

TEST(Parse, the_environment_wins_over_the_file) {
  const auto config =
      parsed({{"PANIER_PORT", "7001"}}, "PANIER_PORT=7002\nPANIER_OPS_PORT='7003'\n");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->port, 7001);
  EXPECT_EQ(config->ops_port, 7003);
  for (const Described& described : describe(*config)) {
    Source expected = Source::by_default;
    if (described.key == "PANIER_PORT") expected = Source::environment;
    if (described.key == "PANIER_OPS_PORT") expected = Source::file;
    EXPECT_EQ(described.source, expected) << described.key;
  }
  EXPECT_EQ(parsed({{"PANIER_PORT", ""}}, "PANIER_PORT=7002").error().field, "PANIER_PORT");
}

TEST(Parse, a_key_that_stands_twice_in_the_file_is_told) {
  const auto config = parsed({}, "PANIER_PORT=7001\nPANIER_PORT=7002\n");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->port, 7002);
  EXPECT_THAT(config->warnings, Contains(HasSubstr("line 2")));
}

TEST(Parse, quotes_are_taken_off_in_the_file_only) {
  EXPECT_EQ(blamed({{"PANIER_PORT", "\"7001\""}}), "PANIER_PORT");
  EXPECT_EQ(
      blamed(merged({mariadb_settings, mongodb_settings, {{"DB_LOCAL_PASSWORD", "'sesame'"}}})),
      "DB_LOCAL_PASSWORD");
  EXPECT_EQ(parsed({}, "PANIER_PORT=\"7001\"")->port, 7001);
  EXPECT_EQ(
      parsed(merged({mariadb_settings, mongodb_settings, {{"DB_LOCAL_PASSWORD", "ses'ame\""}}}))
          ->mariadb.value_or(MariaDb{})
          .password.reveal(),
      "ses'ame\"");
}

TEST(Parse, the_platforms_own_file_is_understood) {
  const auto config = parsed(
      {},
      R"(MONGO_URI_PANIERS = "mongodb://admin:sesame@mongodb_container:27017/Paniers?authSource=admin&retryWrites=true&w=majority"
CORS_ORIGINS=*
URL_ARTICLE_DOCKER_1 = "http://nginx-container-1:3001/articles/"
URL_ARTICLE_SERVEUR_1 = "http://localhost:3001/articles/"
DB_LOCAL_HOST=mariadb_container
DB_LOCAL_NAME=amazoff
DB_LOCAL_LOGIN=user
DB_LOCAL_PASSWORD=sesame
DB_LOCAL_PORT=3306
)");
  ASSERT_TRUE(config) << to_line(config.error());
  EXPECT_EQ(config->ledger, LedgerKind::mariadb);
  EXPECT_EQ(config->mirror, MirrorKind::mongodb);
  EXPECT_EQ(config->mariadb.value_or(MariaDb{}).host, "mariadb_container");
  EXPECT_EQ(config->mongodb.value_or(MongoDb{}).database, "Paniers");
  EXPECT_TRUE(config->cors.enabled());
  EXPECT_TRUE(config->cors.any);
  EXPECT_THAT(config->article_urls,
              ElementsAre(Pair("URL_ARTICLE_DOCKER_1", "http://nginx-container-1:3001/articles/"),
                          Pair("URL_ARTICLE_SERVEUR_1", "http://localhost:3001/articles/")));
  EXPECT_THAT(config->warnings, IsEmpty());
}

TEST(Parse, the_articles_service_must_answer_before_the_request_is_over) {
  const Environment urls{{"URL_ARTICLE_DOCKER_1", "http://one:1/articles/"}};
  const Environment late{{"PANIER_ARTICLE_TIMEOUT_MS", "10000"}};
  EXPECT_EQ(error_line(merged({urls, late})),
            "PANIER_ARTICLE_TIMEOUT_MS: must be less than PANIER_REQUEST_TIMEOUT_MS (10000 ms), "
            "not 10000 ms");
  const Environment old{{"PANIER_ARTICLE_STALE_S", "29"}};
  EXPECT_EQ(
      error_line(merged({urls, old})),
      "PANIER_ARTICLE_STALE_S: must not be less than PANIER_ARTICLE_FRESH_S (30 s), not 29 s");
  const auto without = parsed(merged({late, old}));
  ASSERT_TRUE(without) << to_line(without.error());
  EXPECT_THAT(without->warnings,
              ElementsAre("PANIER_ARTICLE_TIMEOUT_MS has no effect without URL_ARTICLE_*",
                          "PANIER_ARTICLE_STALE_S has no effect without URL_ARTICLE_*"));
}

TEST(Parse, stock_unknown_is_refused_unless_told_otherwise) {
  EXPECT_EQ(parsed({})->stock_unknown, StockUnknown::refuse);
  EXPECT_EQ(parsed({{"PANIER_STOCK_UNKNOWN", "accept"}})->stock_unknown, StockUnknown::accept);
  EXPECT_EQ(error_line({{"PANIER_STOCK_UNKNOWN", "maybe"}}),
            "PANIER_STOCK_UNKNOWN: must be refuse | accept, not \"maybe\"");
}

TEST(Parse, nothing_secret_is_described_or_warned_about) {
  const auto config = parsed(merged({mariadb_settings, mongodb_settings}));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->mariadb.value_or(MariaDb{}).password.reveal(), "sesame");
  const std::vector<Described> all = describe(*config);
  EXPECT_EQ(all.size(), settings().size());
  for (const Described& described : all) {
    EXPECT_THAT(described.value, Not(HasSubstr("sesame"))) << described.key;
    if (described.key == "DB_LOCAL_PASSWORD") {
      EXPECT_EQ(described.value, "********");
    }
    if (described.key == "MONGO_URI_PANIERS") {
      EXPECT_EQ(described.value, "mongodb://admin:********@mongo:27017/Paniers");
    }
  }
}

// What `panier config` shows can be read back: the shown value of every setting without a secret is
// a valid one.
TEST(Parse, what_is_described_can_be_read_back) {
  const Environment given = merged({mariadb_settings,
                                    mongodb_settings,
                                    {{"PANIER_LANES", "7"},
                                     {"PANIER_CORS", "off"},
                                     {"CORS_ORIGINS", "http://a.b:1, https://c"},
                                     {"PANIER_WRITE_POLICY", "available"},
                                     {"PANIER_LOG_LEVEL", "debug"},
                                     {"PANIER_CART_TTL_DAYS", "30"}}});
  const auto config = parsed(given);
  ASSERT_TRUE(config) << to_line(config.error());
  Environment shown = merged({mariadb_settings, mongodb_settings});
  for (const Described& described : describe(*config))
    if (!described.value.empty() && !described.value.contains("***"))
      shown[std::string(described.key)] = described.value;
  const auto again = parsed(shown);
  ASSERT_TRUE(again) << to_line(again.error());
  const auto before = describe(*config);
  const auto after = describe(*again);
  for (std::size_t i = 0; i < before.size(); ++i)
    EXPECT_EQ(before[i].value, after[i].value) << before[i].key;
  EXPECT_EQ(again->lanes, 7);
  EXPECT_EQ(again->cart_ttl, std::chrono::days(30));
  EXPECT_EQ(again->cors.origins, (std::vector<std::string>{"http://a.b:1", "https://c"}));
}

TEST(Parse, the_environment_comes_as_the_system_gives_it) {
  const char* const entries[] = {"PANIER_PORT=7001", "A=b=c", "broken", "PANIER_PORT=7002",
                                 nullptr};
  EXPECT_EQ(environment_from(entries), (Environment{{"A", "b=c"}, {"PANIER_PORT", "7001"}}));
}

} // namespace
} // namespace panier::config
