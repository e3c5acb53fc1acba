// Single values: hosts, URLs, origins, the MongoDB URI.
#include "config/values.hpp"

#include <gmock/gmock.h>

#include <sstream>

#include "config/mongo_uri.hpp"

namespace panier::config {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Values, an_address_is_an_address) {
  for (const std::string_view good : {"127.0.0.1", "0.0.0.0", "::", "::1", "fe80::1"})
    EXPECT_TRUE(ip_address(good)) << good;
  for (const std::string_view bad :
       {"localhost", "", "[::]", "127.0.0.1:80", "127.0.0", " ::", "::,127.0.0.1"})
    EXPECT_FALSE(ip_address(bad)) << bad;
}

TEST(Values, a_host_is_no_url) {
  for (const std::string_view good :
       {"localhost", "mariadb_container", "db-1.example", "10.0.0.1", "::1"})
    EXPECT_TRUE(host_name(good)) << good;
  for (const std::string_view bad : {"", "tcp://db", "db:3306", "a b", "db/", "a\nb"})
    EXPECT_FALSE(host_name(bad)) << bad;
}

TEST(Values, an_article_url_takes_an_id_behind_it) {
  for (const std::string_view good :
       {"http://nginx-container-1:3001/articles/", "https://shop.example/", "http://[::1]:80/a/",
        "http://a/%40b/"})
    EXPECT_TRUE(http_url(good)) << good;
  for (const std::string_view bad :
       {"nginx:3001/articles/", "ftp://a/", "http://", "http:///a/", "http://a", "http://a/b",
        "http://a:0/", "http://a:65536/", "http://a/?x=/", "http://a b/", "http://u:sesame@a/",
        "http://u:ses/sesame@a:1/", "http://u:ses?sesame@a/", "http://u:ses#sesame@a/",
        "http://u:12/sesame@a/"}) {
    const auto url = http_url(bad);
    ASSERT_FALSE(url) << bad;
    EXPECT_THAT(url.error().detail, Not(HasSubstr("sesame")));
  }
}

TEST(Values, origins_are_what_browsers_send) {
  EXPECT_EQ(*origins("http://localhost:4200"), (std::vector<std::string>{"http://localhost:4200"}));
  EXPECT_EQ(*origins("http://a , https://b:444"),
            (std::vector<std::string>{"http://a", "https://b:444"}));
  for (const std::string_view bad : {"", "http://a/", "a", "http://a,", ",http://a", "http://a,*",
                                     "null", "http://A", "http://a b"})
    EXPECT_FALSE(origins(bad)) << bad;
  std::string many = "http://a";
  for (int i = 0; i < 64; ++i)
    many += ",http://a";
  EXPECT_FALSE(origins(many));
}

TEST(Values, an_error_shows_a_wrong_value_on_one_line) {
  EXPECT_EQ(config::quoted("a\nb"), "\"a?b\"");
  EXPECT_LT(config::quoted(std::string(5000, 'x')).size(), 100U);
}

template <class T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };
static_assert(Printable<std::string> && !Printable<Secret>);

TEST(MongoUri, is_shown_without_its_secrets) {
  struct Case {
    std::string_view uri, shown, database;
  };
  constexpr Case cases[] = {
      {"mongodb://h", "mongodb://h/Paniers", "Paniers"},
      {"mongodb://h/", "mongodb://h/Paniers", "Paniers"},
      {"mongodb://h/other", "mongodb://h/other", "other"},
      {"mongodb://u:sesame@h:1,i:2/x?replicaSet=rs", "mongodb://u:********@h:1,i:2/x?replicaSet=rs",
       "x"},
      {"mongodb+srv://u:ses%40ame@h/x", "mongodb+srv://u:********@h/x", "x"},
      {"mongodb://u@h/x", "mongodb://u@h/x", "x"},
      {"mongodb://u:@h/x", "mongodb://u:********@h/x", "x"},
      {"mongodb://h/?w=majority", "mongodb://h/Paniers?w=majority", "Paniers"},
      {"mongodb://h?w=2", "mongodb://h/Paniers?w=2", "Paniers"},
      {"mongodb://h/x?tlsCertificateKeyFilePassword=sesame&a=b",
       "mongodb://h/x?tlsCertificateKeyFilePassword=********&a=b", "x"},
      {"mongodb://h/x?authMechanismProperties=AWS_SESSION_TOKEN:sesame",
       "mongodb://h/x?authMechanismProperties=********", "x"},
  };
  for (const Case& c : cases) {
    const auto parsed = parse_mongo_uri(c.uri);
    ASSERT_TRUE(parsed) << c.uri << ": " << parsed.error().detail;
    EXPECT_EQ(parsed->shown, c.shown);
    EXPECT_EQ(parsed->database, c.database);
    EXPECT_EQ(parsed->uri.reveal(), c.uri);
  }
}

TEST(MongoUri, is_refused_without_being_shown) {
  constexpr std::string_view bad[] = {
      "sesame",
      "http://sesame/",
      "mongodb://",
      "mongodb:///sesame",
      "mongodb://u:sesame@",
      "mongodb://u:sesame@/x",
      "mongodb://u:ses@ame@h/x",
      "mongodb://u:ses/ame@h/x",
      "mongodb://u:ses?ame@h/x",
      "mongodb://h/sesame.x",
      "mongodb://h/ses/ame",
      "mongodb://h/ses%2Fame",
      "mongodb://h/%zz",
      "mongodb://h/ ",
      "mongodb://h,/sesame",
      "mongodb://u:sesame@h/?w=0",
      "mongodb://u:sesame@h/?W=0",
      "mongodb://u:sesame@h/?a=b&w=%30",
      "mongodb://u:sesame@h/?w=-1",
      "mongodb://u:sesame@h/?w=00",
      "mongodb://u:sesame@h/?safe=false",
      "mongodb://u:sesame@h/?%zz=1",
  };
  for (const std::string_view uri : bad) {
    const auto parsed = parse_mongo_uri(uri);
    ASSERT_FALSE(parsed) << uri;
    EXPECT_THAT(parsed.error().detail, Not(HasSubstr("sesame"))) << uri;
    EXPECT_THAT(parsed.error().detail, Not(HasSubstr("ame@"))) << uri;
  }
}

} // namespace
} // namespace panier::config
