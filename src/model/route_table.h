#pragma once
// The compiled routes of one listener: host name → path → candidates in the precedence of the Gateway API. Immutable.
// Built once by build_route_table (model/route_table.cc), looked up by decide/route. Cost of a lookup does not depend on
// the number of routes: one hash probe for the host, one for an exact path, one for each path segment; regular expressions
// are tried one after the other. The longest keys are kept beside the tables, so that a request made of thousands of
// short segments or labels cannot ask for more probes than the configuration has use for.
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "model/route.h"

namespace headgate::model {

// One match of one rule, in its rank among the matches of the same host and path.
struct Candidate {
  Match match;
  std::shared_ptr<const Rule> rule;
};

struct PathTable {
  using Candidates = std::vector<Candidate>;
  template <typename T>
  using ByText = std::unordered_map<std::string, T, StringHash, std::equal_to<>>;
  ByText<Candidates> exact;
  Candidates regex;                 // in precedence order, longest pattern first
  ByText<Candidates> prefix;        // "/" and "/a/b": whole segments
  std::size_t prefix_bytes_max = 0; // of the keys of `prefix`
};

struct RouteTable {
  PathTable::ByText<PathTable> exact_hosts;
  PathTable::ByText<PathTable> wildcard_hosts;  // key ".example.com" for "*.example.com"
  std::size_t wildcard_bytes_max = 0;           // of the keys of `wildcard_hosts`
  PathTable any_host;
};

// A match before it is placed. Ties after the ranks of the specification go to `age_rank`, then to `order`.
struct RouteEntry {
  std::string hostname;             // "", "shop.example", "*.example"; already intersected with the listener's
  Match match;
  std::shared_ptr<const Rule> rule;
  std::uint64_t age_rank = 0;       // older first
  std::uint64_t order = 0;          // by namespace/name, then rule, then match
};

// Paths rank exact, then regular expression, then prefix, the longer one first; within one path: a method, more headers, more
// query parameters, age_rank, order. A prefix loses its trailing slash; a header or parameter that a match names twice
// counts once, the first (Gateway API HTTPRouteMatch). Regular expressions of one host rank by the length of the pattern.
RouteTable build_route_table(std::vector<RouteEntry> entries);

}  // namespace headgate::model
