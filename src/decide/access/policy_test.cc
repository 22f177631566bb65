#include "decide/access/policy.h"

#include <gtest/gtest.h>

#include "decide/access/testing_keys.h"

namespace headgate::decide::access {
namespace {

using Kind = AccessVerdict::Kind;
using testing::jwks_of;
using testing::SigningKey;
using wire::http::FieldId;
using wire::http::Fields;
using KeySets = std::vector<std::shared_ptr<const Jwks>>;

const SigningKey& key() {
  static const SigningKey k = SigningKey::p256();
  return k;
}
KeySets keys() { return {std::make_shared<const Jwks>(*parse_jwks(jwks_of({key().jwk()})))}; }
std::string good_token() { return key().token("ES256", R"({"sub":"ann","exp":2000})"); }

AccessVerdict decided(const model::AccessPolicy& policy, const Fields& fields,
                      const KeySets& sets = keys(), std::string_view query = "",
                      const char* client = "192.0.2.1") {
  return CompiledPolicy(policy).decide(
      {*wire::ip::parse_ip(client), query, fields, {1'000'000'000'000}, sets});
}

model::AccessPolicy with_jwt() {
  model::AccessPolicy policy;
  policy.jwt.resize(1);
  policy.jwt[0].cookie = "session";
  policy.jwt[0].claim_headers = {{"sub", "x-user"}};
  return policy;
}

Fields bearer(const std::string& field) {
  return {{"Authorization", field, FieldId::kAuthorization}};
}

TEST(AccessPolicy, DenyComesBeforeAllowAndAnEmptyAllowListAllowsEverybodyElse) {
  model::AccessPolicy policy;
  policy.deny = {*wire::ip::parse_prefix("192.0.2.0/25")};
  EXPECT_EQ(decided(policy, {}).status, 403);
  EXPECT_EQ(decided(policy, {}).reason, Reason::kAddressDenied);
  EXPECT_EQ(decided(policy, {}, {}, "", "192.0.2.200").kind, Kind::kAllow);
  policy.allow = {*wire::ip::parse_prefix("192.0.0.0/16")};
  EXPECT_EQ(decided(policy, {}).reason, Reason::kAddressDenied);
  EXPECT_EQ(decided(policy, {}, {}, "", "192.0.2.200").kind, Kind::kAllow);
  EXPECT_EQ(decided(policy, {}, {}, "", "198.51.100.1").reason, Reason::kAddressNotAllowed);
}

TEST(AccessPolicy, AGoodTokenIsBelievedTakenOutAndItsClaimsPassedOn) {
  const std::string field = "Bearer " + good_token();
  const AccessVerdict verdict = decided(with_jwt(), bearer(field));
  EXPECT_EQ(verdict.kind, Kind::kAllow);
  EXPECT_EQ(verdict.client, "ann");
  EXPECT_EQ(verdict.strip_header, "authorization");
  ASSERT_EQ(verdict.headers.size(), 1U);
  EXPECT_EQ(verdict.headers[0].value, "ann");
  auto forwarding = with_jwt();
  forwarding.jwt[0].forward_token = true;
  EXPECT_EQ(decided(forwarding, bearer(field)).strip_header, "");
}

TEST(AccessPolicy, ATokenMayComeInACookieWhenTheHeaderHasNone) {
  const std::string cookie = "a=1; session=" + good_token();
  const AccessVerdict verdict = decided(with_jwt(), {{"Cookie", cookie, FieldId::kCookie}});
  EXPECT_EQ(verdict.kind, Kind::kAllow);
  EXPECT_EQ(verdict.strip_cookie, "session");
  EXPECT_EQ(verdict.strip_header, "");
}

TEST(AccessPolicy, AMissingTokenIsRefusedWithAChallengeWhereOneIsRequired) {
  const AccessVerdict verdict = decided(with_jwt(), bearer("Basic YTpi"));
  EXPECT_EQ(verdict.status, 401);
  EXPECT_EQ(verdict.reason, Reason::kTokenMissing);
  EXPECT_EQ(verdict.challenge, "Bearer");
}

TEST(AccessPolicy, WhereNoneIsRequiredAWrongTokenIsStillRefusedAndClaimHeadersAreStillTakenOut) {
  auto policy = with_jwt();
  policy.jwt_required = false;
  const AccessVerdict without = decided(policy, {});
  EXPECT_EQ(without.kind, Kind::kAllow);
  ASSERT_EQ(without.headers.size(), 1U);
  EXPECT_EQ(without.headers[0].name, "x-user");
  EXPECT_EQ(without.headers[0].value, std::nullopt);
  EXPECT_EQ(decided(policy, bearer("Bearer x")).status, 401);
}

TEST(AccessPolicy, ACredentialThatComesTwiceIsRefused) {
  const std::string field = "Bearer " + good_token();
  Fields twice = bearer(field);
  twice.push_back({"authorization", field, FieldId::kAuthorization});
  EXPECT_EQ(decided(with_jwt(), twice).reason, Reason::kTokenRepeated);
}

TEST(AccessPolicy, WithoutKeysTheEdgeIsAtFaultAndAnyProviderMayAccept) {
  const std::string field = "Bearer " + good_token();
  EXPECT_EQ(decided(with_jwt(), bearer(field), {}).status, 503);
  EXPECT_EQ(decided(with_jwt(), bearer(field), {nullptr}).reason, Reason::kKeysMissing);
  auto policy = with_jwt();
  policy.jwt.push_back(policy.jwt[0]);
  KeySets second = {nullptr, keys()[0]};
  EXPECT_EQ(decided(policy, bearer(field), second).kind, Kind::kAllow);
}

TEST(AccessPolicy, ProvidersThatSendByTheSameNameSendItOnce) {
  auto policy = with_jwt();
  policy.jwt.push_back(policy.jwt[0]);
  const std::string field = "Bearer " + good_token();
  const AccessVerdict verdict = decided(policy, bearer(field), {keys()[0], keys()[0]});
  ASSERT_EQ(verdict.headers.size(), 1U);
  EXPECT_EQ(verdict.headers[0].value, "ann");
}

TEST(AccessPolicy, ApiKeysComeInAHeaderOrAParameter) {
  model::AccessPolicy policy;
  policy.api_key_header = "x-api-key", policy.api_key_query = "key";
  policy.api_keys = {{"bob", sha256_of("s&cret")}};
  EXPECT_EQ(decided(policy, {{"X-Api-Key", "s&cret"}}).client, "bob");
  EXPECT_EQ(decided(policy, {}, {}, "a=1&key=s%26cret").client, "bob");
  EXPECT_EQ(decided(policy, {}).reason, Reason::kApiKeyMissing);
  EXPECT_EQ(decided(policy, {{"X-Api-Key", "x"}}, {}, "key=s%26cret").reason,
            Reason::kApiKeyUnknown);
  EXPECT_EQ(decided(policy, {{"X-Api-Key", "s&cret"}, {"x-api-key", "s&cret"}}).reason,
            Reason::kTokenRepeated);
}

TEST(AccessPolicy, TheExternalServiceIsAskedOnlyAfterEverythingElseAllowed) {
  auto policy = with_jwt();
  policy.external.emplace();
  EXPECT_EQ(decided(policy, {}).kind, Kind::kDeny);
  const std::string field = "Bearer " + good_token();
  EXPECT_EQ(decided(policy, bearer(field)).kind, Kind::kAskExternal);
  EXPECT_EQ(decided(policy, bearer(field)).client, "ann");
}

}  // namespace
}  // namespace headgate::decide::access
