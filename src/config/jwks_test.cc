// Where an AccessPolicy's key sets come from, and what a set that cannot be used costs.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "config/testing/compiled_text.h"

namespace headgate::config {
namespace {

constexpr std::string_view kKeys =
    R"({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "2dTXFooNnyVdclOgaUDPBzV3CZ9kYLa-nH4YUyb2Rxk"}]})";

constexpr std::string_view kGateway = R"(
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: headgate, listeners: [{name: http, protocol: HTTP, port: 8080}]}
---
)";

std::string policy(std::string_view jwks) {
  return std::string(kGateway) + upstream_at("shop", 9000) +
         shop_route("{backendRefs: [{group: headgate.io, kind: Upstream, name: shop}]}") +
         R"(apiVersion: headgate.io/v1alpha1
kind: AccessPolicy
metadata: {name: tokens}
spec:
  targetRefs: [{kind: HTTPRoute, name: shop}]
  jwt:
    providers:
    - name: issuer
      jwks: )" +
         std::string(jwks) + "\n";
}

const model::JwtProvider& provider_of(const Outcome& out) {
  return rule_on(out, 0).access.at(0)->jwt.at(0);
}
std::string inline_set(std::string_view set) { return "{inline: '" + std::string(set) + "'}"; }

TEST(Jwks, AnInlineSetIsTaken) {
  const Outcome out = compile_text(policy(inline_set(kKeys)));
  ASSERT_EQ(out.problems, "");
  EXPECT_EQ(provider_of(out).jwks, kKeys);
}

TEST(Jwks, AnAddressIsKeptForWhoFetchesIt) {
  const Outcome out = compile_text(policy("{url: 'https://id.example/keys', refresh: 1m}"));
  ASSERT_EQ(out.problems, "");
  EXPECT_EQ(provider_of(out).jwks_url, "https://id.example/keys");
  EXPECT_EQ(provider_of(out).jwks_refresh, 60s);
  EXPECT_EQ(provider_of(out).jwks, "");
}

TEST(Jwks, AConfigMapHoldsASet) {
  const std::string map =
      "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: keys}\ndata:\n  set: '" +
      std::string(kKeys) + "'\n";
  const Outcome out = compile_text(policy("{configMapRef: {name: keys, key: set}}") + map);
  ASSERT_EQ(out.problems, "");
  EXPECT_EQ(provider_of(out).jwks, kKeys);
  EXPECT_EQ(compile_text(policy("{configMapRef: {name: keys, key: sets}}") + map).problems,
            "f:29: AccessPolicy default/tokens: spec.jwt.providers[0].jwks.configMapRef: ConfigMap "
            "default/keys has no key 'sets'\n");
}

class JwksFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "jwks-XXXXXX";
    ASSERT_TRUE(mkdtemp(pattern.data()));
    directory = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory); }
  void write(const std::string& name, std::string_view text) const {
    std::ofstream(directory / name, std::ios::binary) << text;
  }
  Outcome outcome() const { return compile_loaded(load({directory.native()})); }
  std::filesystem::path directory;
};

TEST_F(JwksFile, IsFoundBesideTheFileThatNamesIt) {
  write("edge.yaml", policy("{file: keys.json}"));
  write("keys.json", kKeys);
  const Outcome out = outcome();
  ASSERT_EQ(out.problems, "");
  EXPECT_EQ(provider_of(out).jwks, kKeys);
}

TEST_F(JwksFile, ThatIsMissingOrTooLargeIsAProblemOfItsField) {
  write("edge.yaml", policy("{file: keys.json}"));
  EXPECT_NE(outcome().problems.find("AccessPolicy default/tokens: "
                                    "spec.jwt.providers[0].jwks.file: "),
            std::string::npos);
  write("keys.json", std::string(300'000, ' '));
  EXPECT_NE(outcome().problems.find("expected at most 262144 bytes, got 300000"),
            std::string::npos);
}

TEST_F(JwksFile, IsNotReadWhereFilesAreNotAllowed) {
  write("edge.yaml", policy("{file: keys.json}"));
  write("keys.json", kKeys);
  CompileOptions options;
  options.files_allowed = false;
  EXPECT_NE(compile_loaded(load({directory.native()}), options).problems.find("and not here"),
            std::string::npos);
}

TEST(Jwks, ASetThatNobodyCouldVerifyWithIsAProblemOfItsField) {
  const std::string field =
      "f:29: AccessPolicy default/tokens: spec.jwt.providers[0].jwks.inline: expected a usable JWK "
      "Set: ";
  const std::pair<const char*, const char*> cases[] = {
      {"nonsense", "not a JSON object with unique names\n"},
      {R"({"keys": 3})", "no array 'keys'\n"},
      {R"({"keys": []})", "no usable signature key\n"},
      {R"({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]})", "no usable signature key\n"},
      {R"({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "c2hvcnQ"}]})",
       "key 0 is malformed or weak\n"},
  };
  for (const auto& [set, message] : cases) {
    const Outcome out = compile_text(policy(inline_set(set)));
    EXPECT_EQ(out.problems, field + message) << set;
    EXPECT_FALSE(out.compiled.snapshot);
  }
}

TEST(Jwks, WithLenientReferencesABadSetLeavesAPolicyThatKnowsNoKey) {
  CompileOptions options;
  options.lenient_references = true;
  const Outcome out = compile_text(policy(inline_set("nonsense")), options);
  EXPECT_NE(out.problems, "");
  ASSERT_TRUE(out.compiled.snapshot);
  EXPECT_EQ(provider_of(out).jwks, "");
  EXPECT_EQ(provider_of(out).jwks_url, "");
}

}  // namespace
}  // namespace headgate::config
