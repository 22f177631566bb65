#pragma once
// The query of a request under a policy: which pairs are part of the key, in which order. What is
// not part of the key is not sent to the origin either, because an origin may reflect it into a
// response that others get. Pure.
#include <string>
#include <string_view>
#include <vector>

#include "model/cache_policy.h"
#include "wire/uri/query.h"

namespace headgate::decide::cache {

// Memory that is used again by each call.
struct QueryScratch {
  std::vector<std::string_view> pairs;
  std::string name;
};

struct Query {
  std::string_view text;
  bool is_there = false;  // "/a?" has an empty query, "/a" none
};

// `query` itself when the policy changes nothing, else a view into `storage`. A filter that leaves
// no pair leaves no query. A query of more pairs than wire/uri reads is not touched.
Query keyed_query(Query query, const model::CacheKeyPolicy& policy, QueryScratch& scratch,
                  std::string& storage);

}  // namespace headgate::decide::cache
