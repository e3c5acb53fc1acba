#include "http/router.hpp"

#include <gmock/gmock.h>

namespace panier::http {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class RouterTest : public testing::Test {
protected:
  RouterTest() {
    const auto nothing = [](Request&&, Respond) {};
    // The parameter is added before the literal that must win over it.
    router_.add(Method::get, "/paniers/{user}", "cart", nothing);
    router_.add(Method::get, "/paniers/health", "health", nothing);
    router_.add(Method::patch, "/paniers/add/{user}", "add", nothing);
    router_.add(Method::del, "/paniers/{user}", "drop", nothing);
    router_.add(Method::get, "/x/{a}/{b}", "pair", nothing);
    router_.add(Method::get, "/x/{a}/fixed", "fixed", nothing);
  }
  Router::Match match(Method method, std::string path) {
    request_ = {};
    request_.method = method;
    request_.path = std::move(path);
    return router_.match(request_);
  }
  std::string allow(const Router::Match& match) {
    const auto* value = match.error.headers.find("Allow");
    return value == nullptr ? "" : *value;
  }

  Router router_{[](const Error& error) {
    Response response;
    response.status = error.code == Errc::route_not_found      ? 404
                      : error.code == Errc::method_not_allowed ? 405
                                                               : 400;
    return response;
  }};
  Request request_;
};

TEST_F(RouterTest, LiteralSegmentsWinOverParameters) {
  EXPECT_EQ(match(Method::get, "/paniers/health").route, "health");
  EXPECT_THAT(request_.params, IsEmpty());
  EXPECT_EQ(match(Method::get, "/paniers/alice").route, "cart");
  EXPECT_THAT(request_.params, ElementsAre("alice"));
  EXPECT_EQ(match(Method::get, "/x/1/fixed").route, "fixed");
  EXPECT_THAT(request_.params, ElementsAre("1"));
  EXPECT_EQ(match(Method::get, "/x/1/2").route, "pair");
  EXPECT_THAT(request_.params, ElementsAre("1", "2"));
}

TEST_F(RouterTest, PathsAreNotNormalised) {
  for (const char* path :
       {"/", "/paniers", "/paniers/", "//paniers/alice", "/paniers//alice", "/paniers/alice/",
        "/paniers/./alice", "/paniers/x/../alice", "/Paniers/alice", "/paniers/add/", "/x/1//2"}) {
    const auto found = match(Method::get, path);
    EXPECT_EQ(found.handler, nullptr) << path;
    EXPECT_EQ(found.error.status, 404U) << path;
    EXPECT_EQ(found.route, "unmatched") << path;
  }
}

TEST_F(RouterTest, SegmentsAreDecodedOnce) {
  EXPECT_EQ(match(Method::get, "/paniers/a%2Fb").route, "cart");
  EXPECT_THAT(request_.params, ElementsAre("a/b"));
  EXPECT_EQ(match(Method::get, "/paniers/a%252Fb").route, "cart");
  EXPECT_THAT(request_.params, ElementsAre("a%2Fb"));
  EXPECT_EQ(match(Method::get, "/paniers/a+b%40c").route, "cart");
  EXPECT_THAT(request_.params, ElementsAre("a+b@c"));
  EXPECT_EQ(match(Method::get, "/paniers/%68ealth").route, "health");
}

TEST_F(RouterTest, BadPercentEncodingIsABadRequest) {
  for (const char* path : {"/paniers/%", "/paniers/%4", "/paniers/%zz", "/paniers/a%4/b"}) {
    EXPECT_EQ(match(Method::get, path).error.status, 400U) << path;
  }
}

TEST_F(RouterTest, AnotherMethodIsRefusedWithAllow) {
  const auto found = match(Method::patch, "/paniers/alice");
  EXPECT_EQ(found.handler, nullptr);
  EXPECT_EQ(found.error.status, 405U);
  EXPECT_EQ(allow(found), "GET, HEAD, DELETE, OPTIONS");
  EXPECT_EQ(allow(match(Method::get, "/paniers/add/alice")), "PATCH, OPTIONS");
  EXPECT_EQ(allow(match(Method::del, "/paniers/health")), "GET, HEAD, OPTIONS");
  EXPECT_EQ(match(Method::other, "/paniers/alice").error.status, 405U);
}

TEST_F(RouterTest, HeadRunsTheHandlerOfGet) {
  const auto found = match(Method::head, "/paniers/alice");
  EXPECT_NE(found.handler, nullptr);
  EXPECT_EQ(found.route, "cart");
  EXPECT_EQ(match(Method::head, "/paniers/add/alice").error.status, 405U);
}

TEST_F(RouterTest, OptionsAreAnsweredUnlessAHandlerIsThere) {
  const auto found = match(Method::options, "/paniers/alice");
  EXPECT_EQ(found.handler, nullptr);
  EXPECT_EQ(found.error.status, 204U);
  EXPECT_TRUE(found.error.content_type.empty());
  EXPECT_EQ(allow(found), "GET, HEAD, DELETE, OPTIONS");
  EXPECT_EQ(match(Method::options, "*").error.status, 204U);
  EXPECT_EQ(match(Method::options, "/nowhere").error.status, 404U);

  router_.add(Method::options, "/paniers/{user}", "own", [](Request&&, Respond) {});
  EXPECT_NE(match(Method::options, "/paniers/alice").handler, nullptr);
}

TEST_F(RouterTest, DecorationIsAskedForOnlyWhenThereIsOne) {
  EXPECT_FALSE(router_.decorates());
  router_.decorate([](const Request& request, Response& response) {
    response.headers.add("X-Path", request.path);
  });
  EXPECT_TRUE(router_.decorates());
  request_.path = "/a";
  Response response;
  router_.finish(request_, response);
  EXPECT_EQ(*response.headers.find("x-path"), "/a");
}

} // namespace
} // namespace panier::http
