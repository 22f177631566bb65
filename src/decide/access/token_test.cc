#include "decide/access/token.h"

#include <gtest/gtest.h>

#include "decide/access/api_keys.h"
#include "decide/access/testing_keys.h"

namespace headgate::decide::access {
namespace {

using testing::jwks_of;
using testing::SigningKey;

constexpr WallTime at(std::int64_t seconds) { return {seconds * 1'000'000'000}; }

const SigningKey& rsa() {
  static const SigningKey key = SigningKey::rsa();
  return key;
}
const SigningKey& p256() {
  static const SigningKey key = SigningKey::p256();
  return key;
}

model::JwtProvider provider() {
  model::JwtProvider p;
  p.issuer = "https://id.example";
  p.audiences = {"shop", "api"};
  return p;
}

std::string claims(const std::string& more = "") {
  return R"({"iss":"https://id.example","aud":"shop","sub":"ann","exp":2000)" + more + "}";
}

Reason result(const model::JwtProvider& p, const std::string& keys, const std::string& token,
              std::int64_t now = 1000) {
  const auto set = parse_jwks(keys);
  EXPECT_TRUE(set) << (set ? "" : set.error().message);
  const auto verified = verify_token(p, *set, token, at(now));
  return verified ? Reason::kNone : verified.error();
}

Reason with_claims(const std::string& json, std::int64_t now = 1000,
                   const model::JwtProvider& p = provider()) {
  return result(p, jwks_of({p256().jwk()}), p256().token("ES256", json), now);
}

TEST(Token, EveryAlgorithmVerifiesAndAChangedTokenDoesNot) {
  const auto p384 = SigningKey::p384(), ed = SigningKey::ed25519();
  const std::vector<std::pair<const char*, const SigningKey*>> cases = {
      {"RS256", &rsa()},  {"RS384", &rsa()}, {"RS512", &rsa()}, {"PS256", &rsa()},
      {"ES256", &p256()}, {"ES384", &p384},  {"EdDSA", &ed}};
  for (const auto& [algorithm, key] : cases) {
    const std::string token = key->token(algorithm, claims()), keys = jwks_of({key->jwk()});
    EXPECT_EQ(result(provider(), keys, token), Reason::kNone) << algorithm;
    const std::string other = key->token(algorithm, claims(R"(,"admin":true)"));
    const std::string mixed = other.substr(0, other.rfind('.')) + token.substr(token.rfind('.'));
    EXPECT_EQ(result(provider(), keys, mixed), Reason::kSignatureWrong) << algorithm;
  }
}

TEST(Token, NoneAndSymmetricAlgorithmsAreRefused) {
  for (const char* algorithm :
       {"none", "None", "HS256", "HS512", "RS1", "", "es256", "ES512", "PS384"})
    EXPECT_EQ(result(provider(), jwks_of({p256().jwk()}), p256().token(algorithm, claims())),
              Reason::kAlgorithmRefused);
}

TEST(Token, AKeyServesItsOwnTypeAndAlgorithmAlone) {
  EXPECT_EQ(result(provider(), jwks_of({rsa().jwk()}), p256().token("ES256", claims())),
            Reason::kKeyUnknown);
  EXPECT_EQ(
      result(provider(), jwks_of({rsa().jwk(R"(,"alg":"PS256")")}), rsa().token("RS256", claims())),
      Reason::kSignatureWrong);
  EXPECT_EQ(
      result(provider(), jwks_of({rsa().jwk(R"(,"alg":"PS256")")}), rsa().token("PS256", claims())),
      Reason::kNone);
}

TEST(Token, TheKeyIdSelectsTheKey) {
  const auto other = SigningKey::p256();
  const std::string keys = jwks_of({other.jwk(R"(,"kid":"old")"), p256().jwk(R"(,"kid":"new")")});
  EXPECT_EQ(result(provider(), keys, p256().token("ES256", claims(), R"(,"kid":"new")")),
            Reason::kNone);
  EXPECT_EQ(result(provider(), keys, p256().token("ES256", claims(), R"(,"kid":"old")")),
            Reason::kSignatureWrong);
  EXPECT_EQ(result(provider(), keys, p256().token("ES256", claims(), R"(,"kid":"none")")),
            Reason::kKeyUnknown);
  EXPECT_EQ(result(provider(), keys, p256().token("ES256", claims(), R"(,"kid":7)")),
            Reason::kTokenMalformed);
  EXPECT_EQ(result(provider(), keys, p256().token("ES256", claims())), Reason::kNone);
}

TEST(Token, CriticalExtensionsAndRepeatedNamesAreRefused) {
  const std::string keys = jwks_of({p256().jwk()});
  EXPECT_EQ(
      result(provider(), keys, p256().token("ES256", claims(), R"(,"crit":["b64"],"b64":false)")),
      Reason::kTokenMalformed);
  EXPECT_EQ(result(provider(), keys, p256().token("ES256", claims(), R"(,"alg":"none")")),
            Reason::kTokenMalformed);
  EXPECT_EQ(with_claims(claims(R"(,"exp":9999)")), Reason::kTokenMalformed);
  EXPECT_EQ(with_claims(claims(R"(,"deep":)" + std::string(30, '[') + std::string(30, ']'))),
            Reason::kTokenMalformed);
}

TEST(Token, ExpiryAndStartGiveWayByTheSkewAlone) {
  EXPECT_EQ(with_claims(claims(), 2029), Reason::kNone);
  EXPECT_EQ(with_claims(claims(), 2030), Reason::kTokenExpired);
  EXPECT_EQ(with_claims(claims(R"(,"nbf":1500)"), 1470), Reason::kNone);
  EXPECT_EQ(with_claims(claims(R"(,"nbf":1500)"), 1469), Reason::kTokenNotYetValid);
  EXPECT_EQ(with_claims(claims(R"(,"nbf":"1500")"), 1600), Reason::kTokenMalformed);
  EXPECT_EQ(with_claims(R"({"iss":"https://id.example","aud":"shop"})"), Reason::kTokenMalformed);
  EXPECT_EQ(with_claims(R"({"iss":"https://id.example","aud":"shop","exp":"never"})"),
            Reason::kTokenMalformed);
}

TEST(Token, IssuerAndAudienceMustBeTheProviders) {
  EXPECT_EQ(with_claims(R"({"iss":"https://evil","aud":"shop","exp":2000})"), Reason::kIssuerWrong);
  EXPECT_EQ(with_claims(R"({"aud":"shop","exp":2000})"), Reason::kIssuerWrong);
  EXPECT_EQ(with_claims(R"({"iss":"https://id.example","aud":"other","exp":2000})"),
            Reason::kAudienceWrong);
  EXPECT_EQ(with_claims(R"({"iss":"https://id.example","exp":2000})"), Reason::kAudienceWrong);
  EXPECT_EQ(with_claims(R"({"iss":"https://id.example","aud":["x","api"],"exp":2000})"),
            Reason::kNone);
  EXPECT_EQ(with_claims(R"({"exp":2000})", 1000, model::JwtProvider{}), Reason::kNone);
}

TEST(Token, RequiredClaimsAreValuesOrMembersOfAnArray) {
  auto p = provider();
  p.required_claims = {{"groups", "admin"}, {"level", "3"}};
  EXPECT_EQ(with_claims(claims(R"(,"groups":["user","admin"],"level":3)"), 1000, p), Reason::kNone);
  EXPECT_EQ(with_claims(claims(R"(,"groups":"admin","level":"3")"), 1000, p), Reason::kNone);
  EXPECT_EQ(with_claims(claims(R"(,"groups":["administrator"],"level":3)"), 1000, p),
            Reason::kClaimWrong);
  EXPECT_EQ(with_claims(claims(R"(,"groups":{"admin":true},"level":3)"), 1000, p),
            Reason::kClaimWrong);
  EXPECT_EQ(with_claims(claims(R"(,"groups":["admin"])"), 1000, p), Reason::kClaimWrong);
}

TEST(Token, ClaimHeadersCarryValuesThatFitAFieldAndNothingElse) {
  auto p = provider();
  p.claim_headers = {
      {"sub", "x-user"}, {"groups", "x-groups"}, {"evil", "x-evil"}, {"none", "x-none"}};
  const auto set = parse_jwks(jwks_of({p256().jwk()}));
  const auto token =
      p256().token("ES256", claims(R"(,"groups":["a","b"],"evil":"1\r\nx-admin: 1")"));
  const auto verified = verify_token(p, *set, token, at(1000));
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->subject, "ann");
  ASSERT_EQ(verified->headers.size(), 4U);
  EXPECT_EQ(verified->headers[0].value, "ann");
  EXPECT_EQ(verified->headers[1].value, R"(["a","b"])");
  EXPECT_EQ(verified->headers[2].value, std::nullopt);
  EXPECT_EQ(verified->headers[3].value, std::nullopt);
}

TEST(Jwks, MalformedWeakAndEmptySetsAreRefusedWhole) {
  const std::string good = p256().jwk();
  EXPECT_FALSE(parse_jwks(""));
  EXPECT_FALSE(parse_jwks("[]"));
  EXPECT_FALSE(parse_jwks("{}"));
  EXPECT_FALSE(parse_jwks(jwks_of({})));
  EXPECT_FALSE(parse_jwks(jwks_of({good}) + "x"));
  EXPECT_FALSE(parse_jwks(jwks_of({good, "3"})));
  EXPECT_FALSE(parse_jwks(jwks_of({good, SigningKey::rsa(1024).jwk()})));
  EXPECT_FALSE(parse_jwks(jwks_of({good, R"({"kty":"RSA","n":"AQAB"})"})));
  std::string off_curve = good;
  off_curve[off_curve.find("\"x\":\"") + 6] ^= 1;
  EXPECT_FALSE(parse_jwks(jwks_of({off_curve})));
  EXPECT_FALSE(parse_jwks(jwks_of({R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})"})));
  EXPECT_FALSE(parse_jwks(std::string(300'000, ' ')));
}

TEST(Jwks, KeysForOtherPurposesOrOfOtherTypesArePassedOver) {
  const auto set =
      parse_jwks(jwks_of({R"({"kty":"oct","k":"c2VjcmV0"})", R"({"kty":"EC","crv":"secp256k1"})",
                          rsa().jwk(R"(,"use":"enc")"), rsa().jwk(R"(,"alg":"RSA-OAEP")"),
                          p256().jwk(R"(,"use":"sig","kid":"a")")}));
  ASSERT_TRUE(set);
  ASSERT_EQ(set->keys.size(), 1U);
  EXPECT_EQ(set->keys[0].id, "a");
}

TEST(ApiKeys, AKeyIsFoundByItsHashAndNothingElseIs) {
  const std::vector<model::ApiKey> list = {
      {"ann", sha256_of("key-a")}, {"bob", sha256_of("key-b")}, {"bad", "short"}};
  const ApiKeys keys(list);
  EXPECT_EQ(keys.size(), 2U);
  ASSERT_NE(keys.client_of("key-b"), nullptr);
  EXPECT_EQ(*keys.client_of("key-b"), "bob");
  for (const std::string& unknown :
       {std::string(), std::string("key-c"), sha256_of("key-a"), std::string(2000, 'x')})
    EXPECT_EQ(keys.client_of(unknown), nullptr);
}

}  // namespace
}  // namespace headgate::decide::access
