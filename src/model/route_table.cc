#include "model/route_table.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <tuple>
#include <utility>

namespace headgate::model {
namespace {

// "If multiple entries specify equivalent names, only the first is considered" (Gateway API).
void drop_repeated(std::vector<NameValueMatch>& conditions) {
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    const auto rest = conditions.begin() + static_cast<std::ptrdiff_t>(i) + 1;
    const auto same = [&](const NameValueMatch& c) { return c.name == conditions[i].name; };
    conditions.erase(std::remove_if(rest, conditions.end(), same), conditions.end());
  }
}

void normalise(RouteEntry& entry) {
  drop_repeated(entry.match.headers);
  drop_repeated(entry.match.query);
  if (entry.match.path.kind != PathMatch::Kind::kPrefix) return;
  std::string& prefix = entry.match.path.value;
  while (prefix.size() > 1 && prefix.back() == '/') prefix.pop_back();
  if (prefix.empty()) prefix = "/";
}

bool is_regex(const RouteEntry& e) { return e.match.path.kind == PathMatch::Kind::kRegex; }

// Smaller is tried first. The path of exact and prefix entries is the key of a table and does not
// rank here.
auto rank(const RouteEntry& e) {
  const std::size_t pattern_bytes = is_regex(e) ? e.match.path.value.size() : 0;
  return std::tuple(SIZE_MAX - pattern_bytes, e.match.method.empty(),
                    SIZE_MAX - e.match.headers.size(), SIZE_MAX - e.match.query.size(), e.age_rank,
                    e.order);
}

PathTable& host_of(RouteTable& table, std::string_view hostname) {
  if (hostname.empty() || hostname == "*") return table.any_host;
  if (!hostname.starts_with("*.")) return table.exact_hosts[std::string(hostname)];
  hostname.remove_prefix(1);
  table.wildcard_bytes_max = std::max(table.wildcard_bytes_max, hostname.size());
  return table.wildcard_hosts[std::string(hostname)];
}

PathTable::Candidates& path_of(PathTable& table, const PathMatch& path) {
  switch (path.kind) {
    case PathMatch::Kind::kExact: return table.exact[path.value];
    case PathMatch::Kind::kRegex: return table.regex;
    case PathMatch::Kind::kPrefix: break;
  }
  table.prefix_bytes_max = std::max(table.prefix_bytes_max, path.value.size());
  return table.prefix[path.value];
}

}  // namespace

RouteTable build_route_table(std::vector<RouteEntry> entries) {
  for (RouteEntry& entry : entries) normalise(entry);
  std::vector<std::size_t> ranked(entries.size());
  std::iota(ranked.begin(), ranked.end(), std::size_t{0});
  std::sort(ranked.begin(), ranked.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(rank(entries[a]), a) < std::pair(rank(entries[b]), b);
  });
  RouteTable table;
  for (const std::size_t i : ranked) {
    RouteEntry& entry = entries[i];
    auto& candidates = path_of(host_of(table, entry.hostname), entry.match.path);
    candidates.push_back({std::move(entry.match), std::move(entry.rule)});
  }
  return table;
}

}  // namespace headgate::model
