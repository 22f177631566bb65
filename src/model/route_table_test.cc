#include "model/route_table.h"

#include <gtest/gtest.h>

namespace headgate::model {
namespace {

RouteEntry entry(std::string path, std::uint64_t order,
                 PathMatch::Kind kind = PathMatch::Kind::kPrefix) {
  RouteEntry e;
  e.match.path = {kind, std::move(path), nullptr};
  auto rule = std::make_shared<Rule>();
  rule->id = static_cast<std::uint32_t>(order);
  e.rule = rule;
  e.order = order;
  return e;
}

std::vector<std::uint32_t> ids(const PathTable::Candidates& candidates) {
  std::vector<std::uint32_t> out;
  for (const auto& c : candidates) out.push_back(c.rule->id);
  return out;
}

TEST(RouteTable, CandidatesOfOnePathRankByMethodHeadersQueryAgeThenOrder) {
  std::vector<RouteEntry> entries;
  for (std::uint64_t i = 0; i < 6; ++i) entries.push_back(entry("/a", i));
  entries[1].age_rank = 1, entries[0].age_rank = 2;  // 2, 3 stay at 0 and rank by order
  entries[4].match.headers = {{"a"}, {"b"}};
  entries[5].match.method = "GET";
  const auto table = build_route_table(entries);
  EXPECT_EQ(ids(table.any_host.prefix.at("/a")), (std::vector<std::uint32_t>{5, 4, 2, 3, 1, 0}));
}

TEST(RouteTable, MoreHeadersRankBeforeMoreQueryParameters) {
  std::vector<RouteEntry> entries = {entry("/a", 0), entry("/a", 1)};
  entries[0].match.query = {{"p"}, {"q"}};
  entries[1].match.headers = {{"h"}};
  EXPECT_EQ(ids(build_route_table(entries).any_host.prefix.at("/a")),
            (std::vector<std::uint32_t>{1, 0}));
}

TEST(RouteTable, ANameThatAMatchRepeatsCountsOnceAndTheFirstStays) {
  std::vector<RouteEntry> entries = {entry("/a", 0), entry("/a", 1)};
  entries[0].match.headers = {{"x", {}, "1"}, {"x", {}, "2"}};
  entries[1].match.headers = {{"x", {}, "1"}};
  const auto table = build_route_table(entries);
  const auto& candidates = table.any_host.prefix.at("/a");
  EXPECT_EQ(ids(candidates), (std::vector<std::uint32_t>{0, 1}));
  ASSERT_EQ(candidates[0].match.headers.size(), 1U);
  EXPECT_EQ(candidates[0].match.headers[0].value, "1");
}

TEST(RouteTable, PrefixesLoseTheirTrailingSlashAndExactPathsKeepIt) {
  const auto table = build_route_table(
      {entry("/a/", 0), entry("/a", 1), entry("", 2), entry("/a/", 3, PathMatch::Kind::kExact)});
  EXPECT_EQ(ids(table.any_host.prefix.at("/a")), (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(ids(table.any_host.prefix.at("/")), (std::vector<std::uint32_t>{2}));
  EXPECT_EQ(ids(table.any_host.exact.at("/a/")), (std::vector<std::uint32_t>{3}));
}

TEST(RouteTable, RegularExpressionsRankByTheLengthOfTheirPattern) {
  const auto table = build_route_table(
      {entry("/a", 0, PathMatch::Kind::kRegex), entry("/a.*", 1, PathMatch::Kind::kRegex)});
  EXPECT_EQ(ids(table.any_host.regex), (std::vector<std::uint32_t>{1, 0}));
}

TEST(RouteTable, HostsAreSortedIntoExactWildcardAndAny) {
  std::vector<RouteEntry> entries = {entry("/", 0), entry("/", 1), entry("/", 2), entry("/", 3)};
  entries[1].hostname = "a.example";
  entries[2].hostname = "*.example";
  entries[3].hostname = "*";
  const auto table = build_route_table(entries);
  EXPECT_EQ(ids(table.exact_hosts.at("a.example").prefix.at("/")), (std::vector<std::uint32_t>{1}));
  EXPECT_EQ(ids(table.wildcard_hosts.at(".example").prefix.at("/")),
            (std::vector<std::uint32_t>{2}));
  EXPECT_EQ(ids(table.any_host.prefix.at("/")), (std::vector<std::uint32_t>{0, 3}));
  EXPECT_EQ(table.wildcard_bytes_max, 8U);
}

}  // namespace
}  // namespace headgate::model
