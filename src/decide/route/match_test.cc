#include "decide/route/match.h"

#include <gtest/gtest.h>
#include <re2/re2.h>

#include <array>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "base/prng.h"

namespace headgate::decide::route {
namespace {

using model::Match;
using model::PathMatch;
using model::RouteEntry;
using Kind = model::PathMatch::Kind;
using wire::http::Fields;

model::Regex regex(const std::string& text) { return std::make_shared<const RE2>(text); }

std::shared_ptr<const model::Rule> rule(std::string name) {
  auto r = std::make_shared<model::Rule>();
  r->name = std::move(name);
  return r;
}

RouteEntry entry(std::string name, std::string host, Kind kind, std::string path) {
  RouteEntry e;
  e.hostname = std::move(host);
  e.match.path = {kind, path, kind == Kind::kRegex ? regex(path) : nullptr};
  e.rule = rule(std::move(name));
  return e;
}

model::NameValueMatch condition(std::string name, std::string value) {
  const auto id = wire::http::field_id(name);
  return {std::move(name), id, std::move(value), nullptr};
}

std::string decided(const model::RouteTable& table, const RequestView& request) {
  const auto matched = match(table, request);
  return matched ? matched->candidate->rule->name : "none";
}

std::string by_path(const model::RouteTable& table, std::string_view path) {
  const Fields none;
  return decided(table, {"h.example", path, "", "GET", none});
}

std::string by_host(const model::RouteTable& table, std::string_view host) {
  const Fields none;
  return decided(table, {host, "/", "", "GET", none});
}

TEST(RouteMatch, ExactPathBeatsRegexBeatsLongerPrefix) {
  const auto table = model::build_route_table({entry("prefix", "", Kind::kPrefix, "/a/b"),
                                               entry("regex", "", Kind::kRegex, "/a/.*"),
                                               entry("exact", "", Kind::kExact, "/a/b")});
  EXPECT_EQ(by_path(table, "/a/b"), "exact");
  EXPECT_EQ(by_path(table, "/a/b/c"), "regex");
  EXPECT_EQ(by_path(table, "/b"), "none");
}

TEST(RouteMatch, PrefixTakesWholeSegmentsAndTheLongestWins) {
  const auto table = model::build_route_table({entry("root", "", Kind::kPrefix, "/"),
                                               entry("a", "", Kind::kPrefix, "/a/"),
                                               entry("ab", "", Kind::kPrefix, "/a/b")});
  EXPECT_EQ(by_path(table, "/a"), "a");
  EXPECT_EQ(by_path(table, "/a/"), "a");
  EXPECT_EQ(by_path(table, "/ab"), "root");
  EXPECT_EQ(by_path(table, "/a/bc"), "a");
  EXPECT_EQ(by_path(table, "/a/b/c/d"), "ab");
  EXPECT_EQ(by_path(table, "/a/b/"), "ab");
  EXPECT_EQ(by_path(table, "*"), "root");
  EXPECT_EQ(by_path(table, ""), "root");
}

TEST(RouteMatch, ExactHostBeatsLongerWildcardBeatsShorterWildcardBeatsAny) {
  const auto table = model::build_route_table({entry("any", "", Kind::kPrefix, "/"),
                                               entry("short", "*.example", Kind::kPrefix, "/"),
                                               entry("long", "*.b.example", Kind::kPrefix, "/"),
                                               entry("exact", "a.b.example", Kind::kPrefix, "/")});
  EXPECT_EQ(by_host(table, "a.b.example"), "exact");
  EXPECT_EQ(by_host(table, "a.b.example."), "exact");
  EXPECT_EQ(by_host(table, "x.a.b.example"), "long");
  EXPECT_EQ(by_host(table, "b.example"), "short");
  EXPECT_EQ(by_host(table, "example"), "any");
  EXPECT_EQ(by_host(table, ".example"), "any");
}

TEST(RouteMatch, AHostWhoseRoutesDoNotFitFallsThroughToLessSpecificHosts) {
  const auto table = model::build_route_table({entry("any", "", Kind::kPrefix, "/"),
                                               entry("wild", "*.example", Kind::kPrefix, "/w"),
                                               entry("exact", "h.example", Kind::kExact, "/e")});
  EXPECT_EQ(by_path(table, "/e"), "exact");
  EXPECT_EQ(by_path(table, "/w/1"), "wild");
  EXPECT_EQ(by_path(table, "/x"), "any");
}

TEST(RouteMatch, LinesOfOneHeaderAreOneListAndNamesIgnoreCase) {
  auto e = entry("r", "", Kind::kPrefix, "/");
  e.match.headers = {condition("x-tier", "gold, silver")};
  const auto table = model::build_route_table({e});
  const Fields two = {{"X-Tier", "gold"}, {"other", "1"}, {"x-TIER", "silver"}};
  EXPECT_EQ(decided(table, {"h", "/", "", "GET", two}), "r");
  const Fields one = {{"x-tier", "gold"}};
  EXPECT_EQ(decided(table, {"h", "/", "", "GET", one}), "none");
}

TEST(RouteMatch, AKnownHeaderIsComparedByIdAndARegexCoversTheWholeValue) {
  auto e = entry("r", "", Kind::kPrefix, "/");
  e.match.headers = {condition("cookie", "")};
  e.match.headers[0].regex = regex("(.*; )?beta=1(;.*)?");
  const auto table = model::build_route_table({e});
  const Fields cookie = {{"Cookie", "a=2; beta=1", wire::http::FieldId::kCookie}};
  EXPECT_EQ(decided(table, {"h", "/", "", "GET", cookie}), "r");
  const Fields other = {{"Cookie", "xbeta=1", wire::http::FieldId::kCookie}};
  EXPECT_EQ(decided(table, {"h", "/", "", "GET", other}), "none");
}

TEST(RouteMatch, QueryParametersAreComparedDecodedAndTheFirstOfANameCounts) {
  auto e = entry("r", "", Kind::kPrefix, "/");
  e.match.query = {condition("q", "a b")};
  const auto table = model::build_route_table({e});
  const Fields none;
  EXPECT_EQ(decided(table, {"h", "/", "x=1&q=a%20b", "GET", none}), "r");
  EXPECT_EQ(decided(table, {"h", "/", "q=a+b&q=c", "GET", none}), "r");
  EXPECT_EQ(decided(table, {"h", "/", "q=c&q=a+b", "GET", none}), "none");
}

TEST(RouteMatch, APathOfThousandsOfSegmentsCostsOnlyTheProbesThatKeysCanAnswer) {
  const auto table = model::build_route_table({entry("a", "", Kind::kPrefix, "/a")});
  std::string path = "/a";
  for (int i = 0; i < 4000; ++i) path += "/b";
  EXPECT_EQ(by_path(table, path), "a");
  EXPECT_EQ(table.any_host.prefix_bytes_max, 2U);
}

TEST(RouteMatch, ThePrefixLengthStopsBeforeTheSlash) {
  const auto table = model::build_route_table(
      {entry("root", "", Kind::kPrefix, "/"), entry("a", "", Kind::kPrefix, "/a/")});
  const Fields none;
  EXPECT_EQ(match(table, {"h", "/a/b", "", "GET", none})->prefix_bytes, 2U);
  EXPECT_EQ(match(table, {"h", "/b", "", "GET", none})->prefix_bytes, 0U);
}

// The specification read aloud: look at every entry, keep the one that ranks first.
class SlowModel {
 public:
  explicit SlowModel(std::vector<RouteEntry> entries) : entries_(std::move(entries)) {}

  std::string decide(const RequestView& request) const {
    const RouteEntry* best = nullptr;
    for (const auto& e : entries_)
      if (fits(e, request) && (!best || rank(e) > rank(*best))) best = &e;
    return best ? best->rule->name : "none";
  }

 private:
  static bool host_fits(std::string_view pattern, std::string_view host) {
    if (pattern.empty()) return true;
    if (pattern[0] != '*') return pattern == host;
    return host.size() >= pattern.size() &&
           host.substr(host.size() - pattern.size() + 1) == pattern.substr(1);
  }
  static bool path_fits(const PathMatch& wanted, std::string_view path) {
    if (wanted.kind == Kind::kExact) return path == wanted.value;
    if (wanted.kind == Kind::kRegex)
      return RE2::FullMatch(re2::StringPiece(path.data(), path.size()), *wanted.regex);
    std::string prefix = wanted.value;
    if (prefix.back() != '/') prefix += '/';
    return (std::string(path) + "/").substr(0, prefix.size()) == prefix;
  }
  static bool fits(const RouteEntry& e, const RequestView& request) {
    if (!host_fits(e.hostname, request.host) || !path_fits(e.match.path, request.path))
      return false;
    if (!e.match.method.empty() && e.match.method != request.method) return false;
    for (const auto& h : e.match.headers) {
      const auto* field = wire::http::find(request.fields, h.name);
      if (!field || field->value != h.value) return false;
    }
    for (const auto& q : e.match.query)
      if (("&" + std::string(request.query) + "&").find("&" + q.name + "=" + q.value + "&") ==
          std::string::npos)
        return false;
    return true;
  }
  using Rank = std::tuple<int, std::size_t, int, std::size_t, bool, std::size_t, std::size_t,
                          std::uint64_t, std::uint64_t>;
  static Rank rank(const RouteEntry& e) {
    const bool wildcard = e.hostname.starts_with("*");
    const int host = e.hostname.empty() ? 0 : wildcard ? 1 : 2;
    const auto kind = e.match.path.kind;
    std::string path = e.match.path.value;
    if (kind == Kind::kPrefix && path.size() > 1 && path.back() == '/') path.pop_back();
    return {host,
            e.hostname.size(),
            kind == Kind::kExact   ? 2
            : kind == Kind::kRegex ? 1
                                   : 0,
            path.size(),
            !e.match.method.empty(),
            e.match.headers.size(),
            e.match.query.size(),
            ~e.age_rank,
            ~e.order};
  }
  std::vector<RouteEntry> entries_;
};

constexpr std::array kHosts = {"",          "*.example",   "*.b.example",
                               "b.example", "a.b.example", "x.example"};
constexpr std::array kPaths = {"/", "/a", "/a/", "/a/b", "/a/b/c", "/b", "/b/", "/ab"};
constexpr std::array kPatterns = {"/a.*", "/[ab]", "/a/[a-z]+", "/.*c"};

RouteEntry random_entry(Prng& prng, std::uint64_t order) {
  const auto kind = static_cast<Kind>(prng.below(3));
  const char* path = kind == Kind::kRegex ? kPatterns[prng.below(kPatterns.size())]
                                          : kPaths[prng.below(kPaths.size())];
  auto e = entry(std::to_string(order), kHosts[prng.below(kHosts.size())], kind, path);
  if (prng.below(3) == 0) e.match.method = prng.below(2) ? "GET" : "POST";
  for (const char* name : {"x-one", "accept"})
    if (prng.below(3) == 0) e.match.headers.push_back(condition(name, prng.below(2) ? "1" : "2"));
  for (const char* name : {"p", "q"})
    if (prng.below(4) == 0) e.match.query.push_back(condition(name, "1"));
  e.age_rank = prng.below(3);
  e.order = order;
  return e;
}

std::string random_decision(Prng& prng, const model::RouteTable& table, const SlowModel& slow) {
  constexpr std::array hosts = {"x.example",   "b.example",     "a.b.example",
                                "c.b.example", "y.a.b.example", "other"};
  constexpr std::array paths = {"/",        "/a", "/a/",  "/a/b", "/a/b/c",
                                "/a/b/c/d", "/b", "/b/c", "/ab",  "/abc/"};
  Fields fields;
  if (prng.below(2)) fields.push_back({"X-One", prng.below(2) ? "1" : "2"});
  if (prng.below(2))
    fields.push_back({"Accept", prng.below(2) ? "1" : "2", wire::http::FieldId::kAccept});
  const char* query = std::array{"", "p=1", "p=1&q=1", "q=1"}[prng.below(4)];
  const RequestView request{hosts[prng.below(hosts.size())], paths[prng.below(paths.size())], query,
                            prng.below(2) ? "GET" : "POST", fields};
  const std::string fast = decided(table, request);
  EXPECT_EQ(fast, slow.decide(request)) << request.host << request.path << '?' << query;
  return fast;
}

TEST(RouteMatch, AgreesWithTheSlowModelOnRandomRouteSets) {
  Prng prng(7);
  std::map<std::string, int> seen;
  for (int round = 0; round < 400; ++round) {
    std::vector<RouteEntry> entries;
    for (std::uint64_t i = 0, n = 1 + prng.below(24); i < n; ++i)
      entries.push_back(random_entry(prng, i));
    const SlowModel slow(entries);
    const auto table = model::build_route_table(entries);
    for (int i = 0; i < 60; ++i) ++seen[random_decision(prng, table, slow)];
    ASSERT_FALSE(HasFailure()) << "round " << round;
  }
  EXPECT_GT(seen.size(), 20U);
}

TEST(SelectListener, TheMostSpecificHostNameWinsWhateverTheOrder) {
  model::Port port;
  port.listeners.resize(3);
  port.listeners[0].hostname = "*.example";
  port.listeners[1].hostname = "";
  port.listeners[2].hostname = "a.example";
  EXPECT_EQ(select_listener(port, "a.example"), &port.listeners[2]);
  EXPECT_EQ(select_listener(port, "b.example"), &port.listeners[0]);
  EXPECT_EQ(select_listener(port, "other"), &port.listeners[1]);
  port.listeners[1].hostname = "z";
  EXPECT_EQ(select_listener(port, "other"), nullptr);
}

TEST(MatchSni, TheMostSpecificNameOfAnyRuleWinsAndNoNameNeedsARuleForAll) {
  model::Port port;
  port.forwards.resize(2);
  port.forwards[0].hostnames = {"*.example", "exact.other"};
  port.forwards[1].hostnames = {"a.example", "*.other"};
  EXPECT_EQ(match_sni(port, "a.example"), &port.forwards[1]);
  EXPECT_EQ(match_sni(port, "b.example"), &port.forwards[0]);
  EXPECT_EQ(match_sni(port, "exact.other"), &port.forwards[0]);
  EXPECT_EQ(match_sni(port, ""), nullptr);
  port.forwards[1].hostnames.clear();
  EXPECT_EQ(match_sni(port, ""), &port.forwards[1]);
}

TEST(PickBackend, SharesFollowWeightsAndAnInvalidBackendKeepsItsShare) {
  model::Rule r;
  r.backends.resize(3);
  r.backends[0].upstream = 4;
  r.backends[0].weight = 1;
  r.backends[1].weight = 3;  // invalid
  r.backends[2].upstream = 5;
  r.backends[2].weight = 0;
  r.weight_sum = 4;
  Prng prng(1);
  std::map<std::uint32_t, int> share;
  for (int i = 0; i < 40000; ++i) ++share[pick_backend(r, prng.next())->upstream];
  EXPECT_NEAR(share[4], 10000, 400);
  EXPECT_NEAR(share[model::Backend::kInvalid], 30000, 400);
  EXPECT_EQ(share[5], 0);
  r.weight_sum = 0;
  EXPECT_EQ(pick_backend(r, 0), nullptr);
}

}  // namespace
}  // namespace headgate::decide::route
