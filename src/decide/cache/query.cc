#include "decide/cache/query.h"

#include <algorithm>

#include "base/ascii.h"

namespace headgate::decide::cache {
namespace {

using Filter = model::CacheKeyPolicy::Query;

std::string_view name_of(std::string_view pair) { return pair.substr(0, pair.find('=')); }

bool is_named(std::string_view name, const std::vector<std::string>& patterns) {
  return std::any_of(patterns.begin(), patterns.end(), [&](std::string_view pattern) {
    if (!pattern.ends_with('*')) return name == pattern;
    return name.starts_with(pattern.substr(0, pattern.size() - 1));
  });
}

bool is_kept(std::string_view pair, const model::CacheKeyPolicy& policy, std::string& name) {
  if (policy.query == Filter::kAll) return true;
  name.clear();
  wire::uri::append_query_text(name, name_of(pair));
  return is_named(name, policy.query_names) == (policy.query == Filter::kOnly);
}

bool has_too_many_pairs(std::string_view query) {
  return std::count(query.begin(), query.end(), '&') >= wire::uri::kQueryPairsMax;
}

void collect(std::string_view query, const model::CacheKeyPolicy& policy, QueryScratch& scratch) {
  scratch.pairs.clear();
  while (!query.empty()) {
    const std::string_view pair = take_until(query, '&');
    if (!pair.empty() && is_kept(pair, policy, scratch.name)) scratch.pairs.push_back(pair);
  }
}

// Stable, in place: insertion by binary search, because a stable sort takes memory of its own.
void sort_by_name(std::vector<std::string_view>& pairs) {
  for (auto it = pairs.begin(); it != pairs.end(); ++it) {
    const auto place = std::upper_bound(
        pairs.begin(), it, name_of(*it),
        [](std::string_view name, std::string_view pair) { return name < name_of(pair); });
    std::rotate(place, it, it + 1);
  }
}

}  // namespace

Query keyed_query(Query query, const model::CacheKeyPolicy& policy, QueryScratch& scratch,
                  std::string& storage) {
  const bool is_plain = policy.query == Filter::kAll && !policy.query_sorted;
  if (!query.is_there || is_plain) return query;
  if (policy.query == Filter::kNone) return {};
  if (has_too_many_pairs(query.text)) return query;
  collect(query.text, policy, scratch);
  if (scratch.pairs.empty()) return {};
  if (policy.query_sorted) sort_by_name(scratch.pairs);
  storage.clear();
  for (const std::string_view pair : scratch.pairs) {
    if (!storage.empty()) storage += '&';
    storage += pair;
  }
  return {storage, true};
}

}  // namespace headgate::decide::cache
