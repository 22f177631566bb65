#include "roles/proxy/cache/purge_order.h"

#include <gtest/gtest.h>

namespace headgate::proxy {
namespace {

using store::memory::Purge;

void expect_order(std::string_view json, PurgeScope scope, std::string_view value,
                  std::string_view name_space = {}, Purge how = Purge::kHard) {
  const auto read = read_purge(json);
  ASSERT_TRUE(read) << json << ": " << read.error().message;
  EXPECT_EQ(read->order, (PurgeOrder{scope, std::string(value), std::string(name_space), how}));
  const auto again = read_purge(to_json(read->order));
  ASSERT_TRUE(again) << to_json(read->order);
  EXPECT_EQ(again->order, read->order) << "its JSON reads the same";
}

TEST(PurgeOrder, EachScopeIsReadAndWrittenAgain) {
  expect_order(R"({"url":"HTTPS://A.example:443/x/../b?c"})", PurgeScope::kUrl,
               "https://a.example/b?c");
  expect_order(R"({"prefix":"http://a.example/img/","soft":true})", PurgeScope::kPrefix,
               "http://a.example/img/", "", Purge::kSoft);
  expect_order(R"({"host":"WWW.a.example","soft":false})", PurgeScope::kHost, "www.a.example");
  expect_order(R"({"tag":"a\"b","namespace":"shop"})", PurgeScope::kTag, "a\"b", "shop");
  expect_order(R"({"namespace":"shop"})", PurgeScope::kNamespace, "", "shop");
  expect_order(R"( {"everything":true} )", PurgeScope::kEverything, "");
}

TEST(PurgeOrder, AReplayedOneHasItsNumber) {
  EXPECT_EQ(read_purge(R"({"host":"a","id":7})")->id, 7U);
  EXPECT_EQ(read_purge(R"({"host":"a"})")->id, std::nullopt);
  EXPECT_EQ(to_json({PurgeScope::kHost, "a", "", Purge::kHard}, R"("id":7)"),
            R"({"id":7,"host":"a","soft":false})");
}

TEST(PurgeOrder, WhatIsWrongIsRefusedWithItsField) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "JSON object"},
      {"[]", "JSON object"},
      {R"({"host":"a"}x)", "JSON object"},
      {R"({"host":"a","host":"b"})", "each name once"},
      {"{}", "nothing is named"},
      {R"({"soft":true})", "nothing is named"},
      {R"({"tags":"a","namespace":"b"})", "did you mean 'tag'?"},
      {R"({"host":"a","url":"http://a/"})", "two orders"},
      {R"({"host":"a","everything":true})", "two orders"},
      {R"({"tag":"a"})", "namespace whose routes"},
      {R"({"host":"a","namespace":"b"})", "not with 'host'"},
      {R"({"host":1})", "host: a text"},
      {R"({"host":""})", "host: a text"},
      {R"({"host":"a","soft":"yes"})", "soft: true or false"},
      {R"({"everything":false})", "everything: true"},
      {R"({"namespace":"A"})", "namespace: 'A'"},
      {R"({"namespace":["a"]})", "namespace: a text"},
      {R"({"url":"/a"})", "url: '/a'"},
      {R"({"prefix":"http://a/?b"})", "prefix: "},
      {R"({"host":"a:80"})", "host: "},
      {R"({"tag":"a b","namespace":"b"})", "tag: "},
      {R"({"host":"a","id":0})", "id: "},
      {R"({"host":"a","id":-1})", "id: "},
      {R"({"host":"a","id":1.5})", "id: "},
  };
  for (const auto& [json, says] : cases) {
    const auto read = read_purge(json);
    ASSERT_FALSE(read) << json;
    EXPECT_EQ(read.error().code, Code::kInvalid);
    EXPECT_NE(read.error().message.find(says), std::string::npos)
        << json << ": " << read.error().message;
  }
  EXPECT_FALSE(read_purge(std::string(kPurgeTextMax + 1, ' ')));
  EXPECT_FALSE(read_purge(R"({"prefix":"http://a/)" + std::string(9000, 'x') + "\"}"));
}

TEST(PurgeOrder, AUrlIsMeantInEveryFormThatAPolicyGivesItsQuery) {
  model::CacheKeyPolicy sorted, none, as_it_is;
  sorted.query_sorted = true;
  none.query = model::CacheKeyPolicy::Query::kNone;
  const model::CacheKeyPolicy* const keys[] = {&sorted, &none, &as_it_is};
  const PurgeOrder order{PurgeScope::kUrl, "http://a/x?b=1&a=2", "", Purge::kHard};
  EXPECT_EQ(
      labels_of(order, keys),
      (std::vector<std::string>{"uhttp://a/x?b=1&a=2", "uhttp://a/x?a=2&b=1", "uhttp://a/x"}));
}

TEST(PurgeOrder, AUrlWithTooManyFormsTakesItsHostRatherThanTooLittle) {
  std::vector<model::CacheKeyPolicy> policies(kUrlLabelsMax + 1);
  std::vector<const model::CacheKeyPolicy*> keys;
  std::string url = "http://a/x?";
  for (std::size_t i = 0; i < policies.size(); ++i) {
    policies[i].query = model::CacheKeyPolicy::Query::kOnly;
    policies[i].query_names = {"p" + std::to_string(i)};
    keys.push_back(&policies[i]);
    url += "p" + std::to_string(i) + "=1&";
  }
  EXPECT_EQ(labels_of({PurgeScope::kUrl, url, "", Purge::kHard}, keys),
            std::vector<std::string>{"ha"});
}

TEST(PurgeOrder, ItIsSaidInWords) {
  EXPECT_EQ(in_words({PurgeScope::kTag, "news", "shop", Purge::kHard}),
            "tag 'news' of namespace shop");
  EXPECT_EQ(in_words({PurgeScope::kEverything, "", "", Purge::kHard}), "everything");
}

}  // namespace
}  // namespace headgate::proxy
