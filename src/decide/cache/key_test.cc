#include "decide/cache/key.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/prng.h"
#include "decide/cache/device.h"
#include "decide/cache/exchange_for_test.h"
#include "decide/cache/parts.h"
#include "decide/cache/reflected.h"

namespace headgate::decide::cache {
namespace {

using model::CachePolicy;
using testing::FieldList;
using testing::fields;
using Filter = model::CacheKeyPolicy::Query;

std::string key(const KeyInput& input, FieldList request = {}, const CachePolicy& policy = {}) {
  KeyBuilder builder({1, 2});
  return std::string(builder.build(input, fields(request), policy).bytes);
}

KeyInput url(std::string_view path, std::optional<std::string_view> query = std::nullopt) {
  return {"https", "a.example", std::nullopt, path, {query.value_or(""), query.has_value()}, 0};
}

std::string query_of(std::string_view query, const CachePolicy& policy) {
  QueryScratch scratch;
  std::string storage;
  const Query out = keyed_query({query, true}, policy.key, scratch, storage);
  return out.is_there ? "?" + std::string(out.text) : "none";
}

TEST(Key, rfc9111_2_scheme_host_port_path_and_query_all_count) {
  std::set<std::string> keys;
  for (const char* scheme : {"http", "https"})
    for (const char* host : {"a.example", "b.example", "a.example."})
      for (const int port : {8080, 8443})
        for (const char* path : {"/", "/a", "/A", "/a/", "//a"})
          for (const char* query : {"", "x=1", "x=1&"})
            keys.insert(
                key({scheme, host, static_cast<std::uint16_t>(port), path, {query, true}, 0}));
  EXPECT_EQ(keys.size(), 2U * 3 * 2 * 5 * 3);
  EXPECT_NE(key(url("/a")), key(url("/a", "")));
}

TEST(Key, rfc9110_4_2_3_case_of_the_host_and_the_schemes_own_port_do_not_count) {
  const auto with = [](std::string_view scheme, std::string_view host,
                       std::optional<std::uint16_t> port) {
    return key({scheme, host, port, "/", {}, 0});
  };
  EXPECT_EQ(with("https", "A.Example", 443), with("HTTPS", "a.example", std::nullopt));
  EXPECT_EQ(with("http", "a.example", 80), with("http", "a.example", std::nullopt));
  EXPECT_NE(with("http", "a.example", 443), with("http", "a.example", std::nullopt));
}

TEST(Key, Row18NoPartCanBeTakenForAnother) {
  CachePolicy policy;
  policy.key.headers = {"x-a", "x-b"};
  policy.key.cookies = {"c"};
  std::map<std::string, std::string> seen;
  const std::string pieces[] = {"", "a", "b", "ab", "q\x01", "?", "&", "=", std::string(1, '\0')};
  Prng prng(18);
  const auto piece = [&]() -> const std::string& { return pieces[prng.below(9)]; };
  for (int run = 0; run < 20000; ++run) {
    const std::string path = "/" + piece(), query = piece() + piece(), a = piece(), b = piece();
    const bool has_query = prng.below(2) != 0, has_a = prng.below(2) != 0,
               has_b = prng.below(2) != 0;
    wire::http::Fields request;
    if (has_a) request.push_back({"x-a", a, wire::http::FieldId::kOther});
    if (has_b) request.push_back({"x-b", b, wire::http::FieldId::kOther});
    KeyBuilder builder({});
    const std::string made(
        builder.build({"https", "h", std::nullopt, path, {query, has_query}, 0}, request, policy)
            .bytes);
    std::string meaning = std::to_string(path.size()) + ":" + path;
    meaning += has_query ? "?" + std::to_string(query.size()) + ":" + query : "-";
    meaning += has_a ? "A" + std::to_string(a.size()) + ":" + a : "-";
    meaning += has_b ? "B" + std::to_string(b.size()) + ":" + b : "-";
    const auto [it, is_new] = seen.emplace(made, meaning);
    ASSERT_EQ(it->second, meaning);
  }
  EXPECT_GT(seen.size(), 1000U);
}

TEST(Key, TheQueryIsFilteredSortedOrLeftAloneAsThePolicySays) {
  CachePolicy policy;
  EXPECT_EQ(query_of("b=2&&a=1&utm_x=3", policy), "?b=2&&a=1&utm_x=3");
  policy.key.query_sorted = true;
  EXPECT_EQ(query_of("b=2&&a=1&b=1&a", policy), "?a=1&a&b=2&b=1");
  policy.key.query = Filter::kExcept;
  policy.key.query_names = {"utm_*", "b c"};
  EXPECT_EQ(query_of("x=1&utm_source=y&%75tm_a&b%20c=1&b+c&a=", policy), "?a=&x=1");
  EXPECT_EQ(query_of("utm_a=1", policy), "none");
  policy.key.query = Filter::kOnly;
  policy.key.query_sorted = false;
  policy.key.query_names = {"v"};
  EXPECT_EQ(query_of("a=1&v=2&%76=3&vv=4", policy), "?v=2&%76=3");
  policy.key.query = Filter::kNone;
  EXPECT_EQ(query_of("v=2", policy), "none");
}

TEST(Key, AQueryOfTooManyPairsIsNotTouched) {
  CachePolicy policy;
  policy.key.query = Filter::kOnly;
  policy.key.query_names = {"v"};
  std::string long_query = "v=1";
  for (int i = 0; i < 1000; ++i) long_query += "&a";
  EXPECT_EQ(query_of(long_query, policy), "?" + long_query);
}

TEST(Key, Row18WhatIsNotPartOfTheKeyIsNotSentToTheOrigin) {
  CachePolicy policy;
  policy.key.query = Filter::kExcept;
  policy.key.query_names = {"utm_*"};
  KeyBuilder builder({});
  const std::string query = "a=1&utm_x=<script>";
  const auto made = builder.build({"https", "h", std::nullopt, "/", {query, true}, 0}, {}, policy);
  EXPECT_EQ(made.query.text, "a=1");
  EXPECT_EQ(read_key(made.bytes)->query.text, "a=1");
}

TEST(Key, HeadersCookiesAndTheDeviceCountWhenThePolicyNamesThem) {
  CachePolicy plain, policy;
  policy.key.headers = {"x-tenant", "accept-encoding"};
  policy.key.cookies = {"lang"};
  policy.key.device_class = true;
  const auto of = [&](FieldList request) { return key(url("/"), request, policy); };
  EXPECT_EQ(key(url("/"), {{"x-tenant", "1"}}, plain), key(url("/"), {}, plain));
  EXPECT_NE(of({{"x-tenant", "1"}}), of({{"x-tenant", "2"}}));
  EXPECT_NE(of({{"x-tenant", ""}}), of({}));
  EXPECT_EQ(of({{"x-other", "1"}}), of({}));
  EXPECT_EQ(of({{"accept-encoding", "gzip, br"}}), of({{"accept-encoding", "BR,gzip"}}));
  EXPECT_NE(of({{"cookie", "lang=de"}}), of({{"cookie", "lang=en"}}));
  EXPECT_EQ(of({{"cookie", "lang=de; a=1"}}), of({{"cookie", "b=2; lang=de"}}));
  EXPECT_NE(of({{"cookie", "lang=de"}}), of({{"cookie", "lang=de; lang=en"}}));
  EXPECT_NE(of({{"cookie", "lang=de; lang=en"}}), of({{"cookie", "lang=en; lang=de"}}));
  EXPECT_NE(of({{"user-agent", "x Mobi"}}), of({{"user-agent", "x"}}));
}

TEST(Key, AnotherPolicyHasKeysOfItsOwn) {
  CachePolicy a, b;
  b.fingerprint = 1;
  EXPECT_NE(key(url("/"), {}, a), key(url("/"), {}, b));
}

TEST(Key, AnotherScopeHasKeysOfItsOwn) {
  KeyInput here = url("/"), there = url("/");
  there.scope = std::uint64_t{1} << 63;
  EXPECT_NE(key(here), key(there));
  EXPECT_EQ(read_key(key(here))->locator, read_key(key(there))->locator);
}

TEST(Key, TheHashDependsOnTheSecretAndTheBytes) {
  KeyBuilder one({1, 2}), two({1, 3});
  const auto a = one.build(url("/a"), {}, {}).hash;
  EXPECT_TRUE(a == one.build(url("/a"), {}, {}).hash);
  EXPECT_FALSE(a == one.build(url("/b"), {}, {}).hash);
  EXPECT_FALSE(a == two.build(url("/a"), {}, {}).hash);
}

TEST(Key, ItIsReadAgainAndShownAsAUrl) {
  const auto shown = [](const KeyInput& input) {
    std::string text;
    append_key_text(text, *read_key(key(input)));
    return text;
  };
  EXPECT_EQ(shown({"https", "A.example", 8443, "/b", {"c=d", true}, 0}),
            "https://a.example:8443/b?c=d");
  EXPECT_EQ(shown({"HTTP", "a.example", 80, "/b", {"", true}, 0}), "http://a.example/b?");
  EXPECT_EQ(shown({"http", "2001:DB8::1", 81, "/", {}, 0}), "http://[2001:db8::1]:81/");
}

TEST(Key, ItSaysWhereItsLocatorLies) {
  KeyBuilder builder({1, 2});
  const auto made =
      builder.build({"https", "A.example", 443, "/b", {"c=d", true}, 7}, {}, CachePolicy());
  EXPECT_EQ(made.locator(), "https://a.example/b");
  EXPECT_EQ(read_key(made.bytes)->locator.data(), made.locator().data());
}

TEST(Key, BytesThatAreNoKeyAreNotRead) {
  EXPECT_FALSE(read_key(""));
  const std::string made = key(url("/a"));
  for (std::size_t size = 0; size + 1 < made.size(); ++size) {
    const auto view = read_key(std::string_view(made).substr(0, size));
    if (view) {
      EXPECT_EQ(view->locator, "https://a.example/a");
    }
  }
  std::string other;
  append_part(other, 'q', "abc");
  EXPECT_FALSE(read_key(other)) << "a key begins with its locator";
  std::string long_part;
  append_part(long_part, 'L', "abc");
  EXPECT_TRUE(read_key(long_part));
  long_part[4] = '\x7f';
  EXPECT_FALSE(read_key(long_part));
}

TEST(Parts, ATextThatIsWrittenInPlaceIsThePartThatIsAppendedWhole) {
  for (const std::size_t size : {0U, 1U, 255U, 256U, 70000U}) {
    const std::string text(size, 'x');
    std::string whole = "before", in_place = whole;
    append_part(whole, 'L', text);
    const std::size_t begin = begin_part(in_place, 'L');
    in_place += text;
    end_part(in_place, begin);
    EXPECT_EQ(in_place, whole) << size;
  }
}

TEST(Device, TabletsPhonesAndTheRest) {
  EXPECT_EQ(device_of("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) Mobile/15E148"), Device::kMobile);
  EXPECT_EQ(device_of("Mozilla/5.0 (iPad; CPU OS 12_2) Mobile/15E148"), Device::kTablet);
  EXPECT_EQ(device_of("Mozilla/5.0 (Linux; Android 14; Pixel 8) Mobile Safari"), Device::kMobile);
  EXPECT_EQ(device_of("Mozilla/5.0 (Linux; Android 13; SM-X200) Safari"), Device::kTablet);
  EXPECT_EQ(device_of("Mozilla/5.0 (X11; Linux x86_64) Firefox/120"), Device::kDesktop);
  EXPECT_EQ(device_of(""), Device::kDesktop);
  EXPECT_EQ(to_string(Device::kTablet), "tablet");
}

TEST(Influence, Row18FieldsThatOriginsReflectAreKeyedOrDropped) {
  model::CacheKeyPolicy key_policy;
  for (const char* name : {"X-Forwarded-Host", "x-original-url", "X-HTTP-Method-Override",
                           "x-forwarded-scheme", "Forwarded"})
    EXPECT_TRUE(is_unkeyed_influence({name, "x", wire::http::field_id(name)}, key_policy)) << name;
  EXPECT_FALSE(is_unkeyed_influence({"accept", "x"}, key_policy));
  key_policy.headers = {"x-forwarded-host"};
  EXPECT_FALSE(is_unkeyed_influence({"X-Forwarded-Host", "x"}, key_policy));
}

}  // namespace
}  // namespace headgate::decide::cache
