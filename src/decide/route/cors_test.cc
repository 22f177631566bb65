#include "decide/route/cors.h"

#include <gtest/gtest.h>

namespace headgate::decide::route {
namespace {

using wire::http::FieldId;
using wire::http::Fields;

std::string text(const CorsFields& fields) {
  std::string out;
  for (const auto& f : fields) out.append(f.name).append(": ").append(f.value).append("\n");
  return out;
}

Fields request(std::string_view origin, std::string_view method = "",
               std::string_view headers = "") {
  Fields fields = {{"origin", origin, FieldId::kOrigin}};
  if (!method.empty())
    fields.push_back(
        {"access-control-request-method", method, FieldId::kAccessControlRequestMethod});
  if (!headers.empty())
    fields.push_back(
        {"access-control-request-headers", headers, FieldId::kAccessControlRequestHeaders});
  return fields;
}

TEST(CorsOrigin, SchemeHostAndPortMustAllMatch) {
  EXPECT_TRUE(origin_matches("https://a.example", "https://A.example"));
  EXPECT_FALSE(origin_matches("https://a.example", "http://a.example"));
  EXPECT_FALSE(origin_matches("https://a.example", "https://a.example:8443"));
  EXPECT_TRUE(origin_matches("https://a.example:8443", "https://a.example:8443"));
  EXPECT_FALSE(origin_matches("https://a.example", "https://evila.example"));
  EXPECT_TRUE(origin_matches("http://[::1]:80", "http://[::1]:80"));
  EXPECT_FALSE(origin_matches("http://[::1]", "http://[::1]:80"));
}

TEST(CorsOrigin, WildcardsTakeWholeLabelsOfTheirScheme) {
  EXPECT_TRUE(origin_matches("https://*.example", "https://a.b.example"));
  EXPECT_FALSE(origin_matches("https://*.example", "https://example"));
  EXPECT_FALSE(origin_matches("https://*.example", "https://badexample"));
  EXPECT_FALSE(origin_matches("https://*.example", "https://a.example.evil"));
  EXPECT_TRUE(origin_matches("https://*", "https://any"));
  EXPECT_FALSE(origin_matches("https://*", "http://any"));
  EXPECT_TRUE(origin_matches("*", "null"));
  EXPECT_FALSE(origin_matches("https://*", "null"));
}

TEST(CorsPreflight, OnlyOptionsWithOriginAndMethodIsOne) {
  const model::Cors cors{.allow_origins = {"*"}};
  EXPECT_FALSE(preflight(cors, "GET", request("https://a", "PUT")));
  EXPECT_FALSE(preflight(cors, "OPTIONS", request("https://a")));
  EXPECT_FALSE(preflight(cors, "OPTIONS", Fields{}));
  EXPECT_TRUE(preflight(cors, "OPTIONS", request("https://a", "PUT")));
}

TEST(CorsPreflight, AnAllowedOriginIsToldMethodsHeadersAndAge) {
  const model::Cors cors{.allow_origins = {"https://a"},
                         .allow_methods = {"GET", "PUT"},
                         .allow_headers = {"x-a", "x-b"}};
  EXPECT_EQ(text(*preflight(cors, "OPTIONS", request("https://a", "PUT"))),
            "vary: origin\naccess-control-allow-origin: https://a\naccess-control-allow-methods: "
            "GET, PUT\n"
            "access-control-allow-headers: x-a, x-b\naccess-control-max-age: 5\n");
}

TEST(CorsPreflight, AnotherOriginIsToldNothingButVary) {
  const model::Cors cors{.allow_origins = {"https://a"}, .allow_methods = {"*"}};
  EXPECT_EQ(text(*preflight(cors, "OPTIONS", request("https://b", "PUT"))), "vary: origin\n");
}

TEST(CorsPreflight, WildcardsAreStarsWithoutCredentialsAndNamesWithThem) {
  model::Cors cors{.allow_origins = {"*"}, .allow_methods = {"*"}, .allow_headers = {"*"}};
  const auto asked = request("https://a", "PUT", "x-q");
  EXPECT_EQ(text(*preflight(cors, "OPTIONS", asked)),
            "access-control-allow-origin: *\naccess-control-allow-methods: *\n"
            "access-control-allow-headers: *\naccess-control-max-age: 5\n");
  cors.allow_credentials = true;
  EXPECT_EQ(text(*preflight(cors, "OPTIONS", asked)),
            "vary: origin\naccess-control-allow-origin: "
            "https://a\naccess-control-allow-credentials: true\n"
            "access-control-allow-methods: PUT\naccess-control-allow-headers: "
            "x-q\naccess-control-max-age: 5\n");
}

TEST(CorsResponse, NamesWhatIsExposedAndKeepsCachesApart) {
  model::Cors cors{.allow_origins = {"https://a"}, .expose_headers = {"x-a"}};
  const Fields response = {
      {"X-A", "1"}, {"Set-Cookie", "s", FieldId::kSetCookie}, {"x-a", "2"}, {"Etag", "e"}};
  EXPECT_EQ(
      text(response_fields(cors, request("https://a"), response)),
      "vary: origin\naccess-control-allow-origin: https://a\naccess-control-expose-headers: x-a\n");
  EXPECT_EQ(text(response_fields(cors, {}, response)), "vary: origin\n");
  cors.allow_credentials = true, cors.expose_headers = {"*"};
  EXPECT_EQ(text(response_fields(cors, request("https://a"), response)),
            "vary: origin\naccess-control-allow-origin: "
            "https://a\naccess-control-allow-credentials: true\n"
            "access-control-expose-headers: x-a, etag\n");
  EXPECT_EQ(text(response_fields({.allow_origins = {"*"}}, {}, response)), "");
}

}  // namespace
}  // namespace headgate::decide::route
