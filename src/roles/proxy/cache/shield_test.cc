#include "roles/proxy/cache/shield.h"

#include <gtest/gtest.h>

namespace headgate::proxy {
namespace {

Asker asker(std::string_view value) {
  return asker_of({{"CDN-Loop", value}}, "edges.example", "a1");
}

TEST(Shield, rfc8586_s2_a_request_without_our_name_is_a_clients) {
  EXPECT_EQ(asker_of({}, "edges.example", "a1"), Asker::kClient);
  EXPECT_EQ(asker(""), Asker::kClient);
  EXPECT_EQ(asker("other.example, edges.example.org; instance=a1"), Asker::kClient);
  EXPECT_EQ(asker("other; x=edges.example"), Asker::kClient);
}

TEST(Shield, rfc8586_s2_our_name_anywhere_in_the_list_is_an_edge) {
  EXPECT_EQ(asker("edges.example"), Asker::kEdge);
  EXPECT_EQ(asker("other, EDGES.example ; instance=b2"), Asker::kEdge);
  EXPECT_EQ(
      asker_of({{"cdn-loop", "other"}, {"Cdn-Loop", "edges.example; v=1"}}, "edges.example", "a1"),
      Asker::kEdge);
}

TEST(Shield, OurOwnInstanceIsOurselvesWhoeverElseIsNamed) {
  EXPECT_EQ(asker("edges.example; instance=a1"), Asker::kSelf);
  EXPECT_EQ(asker("edges.example;v=2 ;instance=a1, edges.example; instance=b2"), Asker::kSelf);
  EXPECT_EQ(asker("other; instance=a1, edges.example; instance=a12"), Asker::kEdge);
}

TEST(Shield, WhatIsWrittenIsRead) {
  std::string value = "other, ";
  append_loop_member(value, "edges.example", "a1");
  EXPECT_EQ(asker(value), Asker::kSelf);
}

TEST(Shield, AUrlHasOneHomeWhateverTheSpellingOfItsDefaultPort) {
  decide::cache::KeyInput url{"https", "a.example", std::nullopt, "/a", {}, 1};
  const std::uint64_t home = home_hash(url);
  url.port = 443;
  url.scope = 2;
  EXPECT_EQ(home_hash(url), home);
  url.path = "/b";
  EXPECT_NE(home_hash(url), home);
}

}  // namespace
}  // namespace headgate::proxy
