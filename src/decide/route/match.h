#pragma once
// Which rule answers a request: a pure lookup in the tables of a snapshot, the same for proxy, plan
// and replay. Any thread; nothing is kept; the result points into the table. Allocates only when a
// field that a rule looks at came in several lines, or when a rule matches a query parameter by
// regular expression. Cost: one hash probe for the host, one for each of its parent domains and one
// for each path segment, as far as the longest key of the table reaches; regular expressions
// (linear time, RE2) of the chosen host one after the other.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "model/listener.h"
#include "model/route_table.h"
#include "wire/http/field.h"

namespace headgate::decide::route {

struct RequestView {
  std::string_view host;    // lower case, without port
  std::string_view path;    // normalised, without query
  std::string_view query;   // without '?'
  std::string_view method;  // case-sensitive (RFC 9110 §9.1)
  const wire::http::Fields& fields;
};

struct Matched {
  const model::Candidate* candidate = nullptr;
  std::size_t prefix_bytes =
      0;  // of the path, up to but without the slash behind the prefix: 0 for "/"; see rewrite.h
};

// The most specific host name whose table has a fitting candidate: exact, then the longest
// wildcard, then any host. A host whose candidates do not fit falls through to less specific ones.
std::optional<Matched> match(const model::RouteTable& table, const RequestView& request);

// "" and "*" match every host, "*.example.com" one or more labels before ".example.com". Both in
// lower case. A root dot at the end of the host is not looked at: "a.example." is "a.example".
bool host_matches(std::string_view pattern, std::string_view host);

// The listener with the most specific matching host name. nullptr: none is for this host.
const model::Listener* select_listener(const model::Port& port, std::string_view host);

// The rule with the most specific host name for this SNI; a rule without host names takes every
// name, and a client that sends none (sni empty). nullptr: none.
const model::ForwardRule* match_sni(const model::Port& port, std::string_view sni);

// By weight from uniform random bits. An invalid backend keeps its share: its requests are answered
// 500 (Gateway API). nullptr: no backend, or all weights are 0.
const model::Backend* pick_backend(const model::Rule& rule, std::uint64_t random);
const model::Backend* pick_backend(const model::ForwardRule& rule, std::uint64_t random);

}  // namespace headgate::decide::route
