#include "roles/proxy/access_check.h"

#include <gtest/gtest.h>

#include "decide/access/testing_keys.h"
#include "roles/proxy/testing/live_proxy.h"

namespace headgate::proxy {
namespace {

using decide::access::testing::jwks_of;
using decide::access::testing::SigningKey;
using testing::LiveOrigin;
using testing::LiveProxy;
using testing::response;
using testing::Wire;

model::Rule rule_of(model::AccessPolicy policy) {
  model::Rule rule;
  policy.name = "default/policy";
  rule.access.push_back(std::make_shared<const model::AccessPolicy>(std::move(policy)));
  return rule;
}

bool has(const std::string& text, const std::string& piece) { return text.find(piece) != std::string::npos; }

model::AccessPolicy asks_external(std::uint32_t upstream = 1) {
  model::AccessPolicy policy;
  policy.external.emplace();
  policy.external->upstream = upstream;
  policy.external->path_prefix = "/auth";
  policy.external->request_headers = {"cookie"};
  policy.external->response_headers = {"x-user"};
  return policy;
}

TEST(AccessCheck, ADeniedAddressGets403AndTheReasonStandsInTheLogAlone) {
  LiveOrigin origin;
  model::AccessPolicy policy;
  policy.deny = {*wire::ip::parse_prefix("127.0.0.0/8")};
  LiveProxy proxy(rule_of(policy), {origin.port()});
  const std::string answer = proxy.get("/");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 ")) << answer;
  EXPECT_FALSE(has(answer, "address"));
  EXPECT_TRUE(has(proxy.log(), "address_denied"));
  EXPECT_TRUE(origin.requests(0).empty());
}

TEST(AccessCheck, EveryPolicyOfTheRuleMustAllow) {
  LiveOrigin origin;
  model::AccessPolicy open, closed;
  open.allow = {*wire::ip::parse_prefix("127.0.0.0/8")};
  closed.allow = {*wire::ip::parse_prefix("192.0.2.0/24")};
  model::Rule rule = rule_of(open);
  EXPECT_TRUE(LiveProxy(rule, {origin.port()}).get("/").starts_with("HTTP/1.1 200 "));
  rule.access.push_back(std::make_shared<const model::AccessPolicy>(closed));
  EXPECT_TRUE(LiveProxy(rule, {origin.port()}).get("/").starts_with("HTTP/1.1 403 "));
}

TEST(AccessCheck, ClaimsTravelAndTheTokenAndForgedHeadersDoNot) {
  LiveOrigin origin;
  const SigningKey key = SigningKey::p256();
  model::AccessPolicy policy;
  policy.jwt.resize(1);
  policy.jwt[0].jwks = jwks_of({key.jwk()});
  policy.jwt[0].claim_headers = {{"sub", "x-user"}, {"team", "x-team"}};
  LiveProxy proxy(rule_of(policy), {origin.port()});
  const std::string token = key.token("ES256", R"({"sub":"ann","exp":4000000000})");
  const std::string answer =
      proxy.get("/", "authorization: Bearer " + token + "\r\nX-User: root\r\nX-Team: root\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  const std::string seen = origin.requests(1).at(0);
  EXPECT_TRUE(has(seen, "x-user: ann\r\n")) << seen;
  EXPECT_FALSE(has(seen, "root")) << seen;
  EXPECT_FALSE(has(seen, token)) << seen;
  const std::string refused = proxy.get("/");
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 401 ")) << refused;
  EXPECT_TRUE(has(refused, "www-authenticate: Bearer\r\n")) << refused;
}

TEST(AccessCheck, ATokenInACookieIsTakenOutAndOtherCookiesStay) {
  LiveOrigin origin;
  const SigningKey key = SigningKey::ed25519();
  model::AccessPolicy policy;
  policy.jwt.resize(1);
  policy.jwt[0].jwks = jwks_of({key.jwk()});
  policy.jwt[0].cookie = "session";
  LiveProxy proxy(rule_of(policy), {origin.port()});
  const std::string token = key.token("EdDSA", R"({"exp":4000000000})");
  EXPECT_TRUE(proxy.get("/", "cookie: a=1; session=" + token + "; b=2\r\n").starts_with("HTTP/1.1 200 "));
  const std::string seen = origin.requests(1).at(0);
  EXPECT_TRUE(has(seen, "cookie: a=1; b=2\r\n")) << seen;
}

TEST(AccessCheck, ApiKeysAreNotForwarded) {
  LiveOrigin origin;
  model::AccessPolicy policy;
  policy.api_key_header = "x-api-key";
  policy.api_key_query = "key";
  policy.api_keys = {{"bob", decide::access::sha256_of("s3cret-key")}};
  LiveProxy proxy(rule_of(policy), {origin.port()});
  EXPECT_TRUE(proxy.get("/a?x=1", "x-api-key: s3cret-key\r\n").starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(proxy.get("/a?x=1&key=s3cret-key&y=2").starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(proxy.get("/b?key=s3cret-key").starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(proxy.get("/a?key=wrong-key").starts_with("HTTP/1.1 401 "));
  const auto seen = origin.requests(3);
  ASSERT_EQ(seen.size(), 3U);
  for (const std::string& request : seen) EXPECT_FALSE(has(request, "s3cret")) << request;
  EXPECT_TRUE(seen[1].starts_with("GET /a?x=1&y=2 HTTP/1.1\r\n")) << seen[1];
  EXPECT_TRUE(seen[2].starts_with("GET /b HTTP/1.1\r\n")) << seen[2];
}

TEST(ExternalAuth, AnAllowingAnswerAddsItsHeadersAndTheBodyStillArrives) {
  LiveOrigin origin;
  LiveOrigin external([](const std::string&) { return response(200, "welcome", "x-user: ann\r\nx-other: 1\r\n"); });
  LiveProxy proxy(rule_of(asks_external()), {origin.port(), external.port()});
  const std::string answer = proxy.ask(
      "POST /a/./b?q=1 HTTP/1.1\r\nhost: shop.example\r\nx-user: root\r\ncookie: c=1\r\nx-secret: s\r\n"
      "content-length: 4\r\n\r\nbody");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  const std::string asked = external.requests(1).at(0);
  EXPECT_TRUE(asked.starts_with("GET /auth/a/b?q=1 HTTP/1.1\r\n")) << asked;
  EXPECT_TRUE(has(asked, "x-forwarded-method: POST\r\n"));
  EXPECT_TRUE(has(asked, "x-forwarded-uri: /a/b?q=1\r\n"));
  EXPECT_TRUE(has(asked, "host: shop.example\r\n"));
  EXPECT_TRUE(has(asked, "cookie: c=1\r\n"));
  EXPECT_FALSE(has(asked, "x-secret"));
  EXPECT_FALSE(has(asked, "content-length"));
  const std::string seen = origin.requests(1).at(0);
  EXPECT_TRUE(has(seen, "x-user: ann\r\n")) << seen;
  EXPECT_FALSE(has(seen, "root"));
  EXPECT_FALSE(has(seen, "x-other"));
  EXPECT_TRUE(seen.ends_with("\r\n\r\nbody")) << seen;
}

TEST(ExternalAuth, ARefusalPassesItsStatusAndPlaceToGoButNotItsBody) {
  LiveOrigin origin;
  LiveOrigin external([](const std::string&) {
    return response(302, "internals", "location: https://login.example/\r\nset-cookie: s=1\r\nx-internal: 1\r\n");
  });
  LiveProxy proxy(rule_of(asks_external()), {origin.port(), external.port()});
  const std::string answer = proxy.get("/");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 302 ")) << answer;
  EXPECT_TRUE(has(answer, "location: https://login.example/\r\n"));
  EXPECT_TRUE(has(answer, "set-cookie: s=1\r\n"));
  EXPECT_FALSE(has(answer, "internal"));
  EXPECT_TRUE(origin.requests(0).empty());
  EXPECT_TRUE(has(proxy.log(), "external_denied"));
}

TEST(ExternalAuth, WithoutAnAnswerThePolicySaysWhetherTheRequestPasses) {
  LiveOrigin origin;
  LiveOrigin silent([](const std::string&) { return std::string(); });
  LiveOrigin broken([](const std::string&) { return response(500); });
  model::AccessPolicy policy = asks_external();
  policy.external->timeout = 50ms;
  for (const std::uint16_t port : {silent.port(), broken.port()}) {
    policy.external->allow_on_error = false;
    EXPECT_TRUE(LiveProxy(rule_of(policy), {origin.port(), port}).get("/").starts_with("HTTP/1.1 403 "));
    policy.external->allow_on_error = true;
    EXPECT_TRUE(LiveProxy(rule_of(policy), {origin.port(), port}).get("/", "x-user: root\r\n").starts_with("HTTP/1.1 200 "));
  }
  const auto seen = origin.requests(2);
  ASSERT_EQ(seen.size(), 2U);
  for (const std::string& request : seen) EXPECT_FALSE(has(request, "root")) << request;
}

TEST(ExternalAuth, AClientThatLeavesWhileItIsAskedLeavesNothingBehind) {
  LiveOrigin origin;
  LiveOrigin silent([](const std::string&) { return std::string(); });
  LiveProxy proxy(rule_of(asks_external()), {origin.port(), silent.port()});
  {
    Wire wire(Wire::connect_to(proxy.port()));
    wire.send("GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n");
    EXPECT_EQ(silent.requests(1).size(), 1U);
  }
  EXPECT_TRUE(has(proxy.log(), "client_closed"));
}

TEST(ExternalAuth, QuestionsShareAConnectionThoughNobodyLooksAtTheBodiesOfAnswers) {
  LiveOrigin origin;
  LiveOrigin external([](const std::string&) { return response(200, std::string(30000, 'x')); });
  LiveProxy proxy(rule_of(asks_external()), {origin.port(), external.port()});
  Wire wire(Wire::connect_to(proxy.port()));
  for (int i = 0; i < 3; ++i) {
    wire.send("GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n");
    EXPECT_TRUE(wire.read_message().starts_with("HTTP/1.1 200 "));
  }
  EXPECT_EQ(external.requests(3).size(), 3U);
  EXPECT_EQ(external.accepted(), 1U);
}

}  // namespace
}  // namespace headgate::proxy
