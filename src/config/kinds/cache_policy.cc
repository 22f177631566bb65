#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "config/duration.h"
#include "config/kinds/tables.h"
#include "config/syntax.h"
#include "config/value.h"
#include "wire/http/field.h"

namespace headgate::config::kinds {
namespace {

constexpr Duration kLongest = 99999h;

struct Refusal {
  std::string_view name, why;
};
// Request headers by which nothing may be kept apart, beside those of one connection.
constexpr Refusal kNoKeys[] = {
    {"*", "it names no header: name each one"},
    {"host", "every key holds the host already"},
    {"authorization",
     "credentials are no part of a key: answers to them are shared only when the "
     "origin says so"},
    {"proxy-authorization", "credentials are no part of a key"},
    {"cookie", "it holds what is each client's own: name single cookies in `key.cookies`"},
    {"range", "parts are served from one entry"},
    {"if-range", "parts are served from one entry"},
    {"if-match", "conditions are answered from one entry"},
    {"if-none-match", "conditions are answered from one entry"},
    {"if-modified-since", "conditions are answered from one entry"},
    {"if-unmodified-since", "conditions are answered from one entry"},
    {"cache-control", "it speaks to caches: see `honourRequestDirectives`"},
    {"pragma", "it speaks to caches: see `honourRequestDirectives`"},
    {"vary", "it is a header of responses"},
    {"set-cookie", "it is a header of responses"},
    {"forwarded", "it holds each client's own address"},
    {"x-forwarded-for", "it holds each client's own address"},
    {"x-forwarded-proto", "every key holds the scheme already"},
    {"x-forwarded-port", "it is not forwarded"},
    {"x-request-id", "it differs with every request"},
    {"traceparent", "it differs with every request"},
    {"tracestate", "it differs with every request"},
};

std::string_view why_no_key(std::string_view name) {
  for (const Refusal& one : kNoKeys)
    if (equals_ignore_case(name, one.name)) return one.why;
  if (wire::http::is_hop_by_hop(wire::http::field_id(name)))
    return "it is for one connection and is not forwarded";
  return {};
}

// Names of headers are the same in any case, which the table's own test does not know.
void check_repeats(const Json& names, const Place& place) {
  std::vector<std::string> seen;
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::string name = to_lower(names[i].get_ref<const std::string&>());
    if (std::find(seen.begin(), seen.end(), name) != seen.end())
      Place(place, i).error(fmt::format("expected a header that is not named before, got '{}'",
                                        names[i].get<std::string>()));
    seen.push_back(std::move(name));
  }
}

template <typename Why>
void check_names(const Json& value, std::string_view field, const Place& place, Why why) {
  const Place list(place, field);
  const Json& names = items(value, field);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string& name = names[i].get_ref<const std::string&>();
    if (const std::string_view reason = why(name); !reason.empty())
      Place(list, i).error(fmt::format("'{}' is not allowed: {}", name, reason));
  }
  check_repeats(names, list);
}

void check_query(const Json& value, const Place& place) {
  const std::string_view mode = text_of(value, "mode", "All");
  const bool wanted = mode == "Only" || mode == "Except";
  if (wanted && items(value, "names").empty())
    Place(place, "names").error(fmt::format("required for mode {}", mode));
  if (!wanted && find(value, "names"))
    Place(place, "names").error(fmt::format("not allowed for mode {}", mode));
  if (mode == "None" && boolean_of(value, "sorted"))
    Place(place, "sorted").error("not allowed for mode None, which keeps nothing to sort");
}

Schema key() {
  const Schema query = object({
      {"mode", text().one_of({"All", "None", "Only", "Except"}).or_else("All"),
       "Which parameters count: all, none, those of `names`, all but those of `names`."},
      {"names", list(text(256).as(syntax::kQueryPattern), 64).unique_by({""}),
       "Decoded names for Only and Except, in this case; `utm_*` means every name that begins with "
       "`utm_`."},
      {"sorted", boolean().or_else("false"),
       "Whether parameters are sorted by name, so that their order makes no difference; those of "
       "one name keep theirs."},
  });
  return object(
             {
                 {"query",
                  query.where("`names` for Only and Except, and for them alone", check_query)
                      .or_else("{}"),
                  "Parameters of the URL. What does not count is not sent to the origin either."},
                 {"headers", list(text(256).as(syntax::kHeaderName), 16),
                  "Request headers whose values are kept apart, beside those that the origin "
                  "names in Vary. X-Forwarded-Host is believed from `connection.trustedProxies` "
                  "alone, and what they say of it goes to the origin only if it is named here; "
                  "their X-Forwarded-Proto names the scheme of the key."},
                 {"cookies", list(text(256).as(syntax::kHeaderName), 16).unique_by({""}),
                  "Cookies whose values are kept apart, by name."},
                 {"deviceClass", boolean().or_else("false"),
                  "Whether mobile, tablet and desktop are kept apart, by User-Agent."},
             })
      .where("headers that a key can hold",
             [](const Json& value, const Place& place) {
               check_names(value, "headers", place, why_no_key);
             })
      .or_else("{}");
}

void check_whole_seconds(const Json& value, std::string_view field, const Place& place) {
  const Json* one = find(value, field);
  if (one && duration_of(value, field) % 1s != Duration::zero())
    Place(place, field)
        .error(fmt::format("expected whole seconds, got {}", one->get_ref<const std::string&>()));
}

// A lifetime that the floor or the ceiling changes at once is a mistake.
void check_within(const Json& ttl, const Json& holder, std::string_view field, const Place& place) {
  if (!find(holder, field)) return;
  const Duration lifetime = duration_of(holder, field), floor = duration_of(ttl, "min");
  const auto told = [&](std::string_view bound, std::string_view limit) {
    Place(place, field)
        .error(fmt::format("expected {} `ttl.{}` ({}), got {}", bound, limit, text_of(ttl, limit),
                           text_of(holder, field)));
  };
  if (find(ttl, "max") && lifetime > duration_of(ttl, "max")) told("at most", "max");
  if (lifetime < floor) told("at least", "min");
}

void check_ttl(const Json& value, const Place& place) {
  for (const std::string_view field :
       {"min", "max", "default", "heuristicMax", "staleWhileRevalidate", "staleIfError"})
    check_whole_seconds(value, field, place);
  if (find(value, "max") && duration_of(value, "min") > duration_of(value, "max"))
    Place(place, "min")
        .error(fmt::format("expected at most `ttl.max` ({}), got {}", text_of(value, "max"),
                           text_of(value, "min")));
  check_within(value, value, "default", place);
  const Place rows(place, "byStatus");
  for (std::size_t i = 0; i < items(value, "byStatus").size(); ++i) {
    const Json& row = items(value, "byStatus")[i];
    const Place here(rows, i);
    check_whole_seconds(row, "ttl", here);
    check_within(value, row, "ttl", here);
    if (const auto status = integer_of(row, "status"); status == 206 || status == 304)
      Place(here, "status")
          .error(fmt::format("expected a status that is kept for itself, got {}: it is {}", status,
                             status == 206 ? "a part of a 200" : "news about what is stored"));
  }
}

Schema ttl() {
  const Schema by_status = object({
      {"status", integer(200, 599).required(), "Status of the response."},
      {"ttl", duration(0s, kLongest).required(), "How long it is fresh."},
  });
  return object(
             {
                 {"min", duration(0s, kLongest).or_else("0s"),
                  "What the origin allows for less is fresh for this long; what it forbids to "
                  "store "
                  "stays forbidden."},
                 {"max", duration(0s, kLongest),
                  "What the origin allows for longer is fresh for this long; no limit when "
                  "absent."},
                 {"byStatus", list(by_status, 64).unique_by({"status"}),
                  "How long responses of a status are fresh where the origin says nothing: "
                  "negative caching."},
                 {"default", duration(0s, kLongest),
                  "The same for the other statuses that may be cached unless they say otherwise; "
                  "heuristics when absent."},
                 {"heuristicPercent", number(0, 100).or_else("10"),
                  "Where nothing else says anything: share of the time since Last-Modified, to a "
                  "tenth of a percent; 0: no heuristics."},
                 {"heuristicMax", duration(0s, kLongest).or_else("24h"),
                  "The most that heuristics give."},
                 {"staleWhileRevalidate", duration(0s, kLongest),
                  "How long a stale response is served while a new one is fetched, where the "
                  "origin says nothing."},
                 {"staleIfError", duration(0s, kLongest),
                  "How long a stale response is served when the origin fails, where the origin "
                  "says nothing."},
                 {"staleDespiteSMaxage", boolean().or_else("false"),
                  "Whether both also hold for responses with s-maxage, which RFC 9111 section "
                  "5.2.2.10 forbids to serve stale."},
             })
      .where("whole seconds; min at most max, the others between them", check_ttl)
      .or_else("{}");
}

Schema bypass() {
  const Schema header = object({
      {"name", text(256).as(syntax::kHeaderName).required(), "Header name, in any case."},
      {"value", text(1024).as(syntax::kHeaderValue),
       "Value of the whole header; that it is there is enough when absent."},
  });
  return object({
                    {"headers", list(header, 16).unique_by({"name", "value"}), "Request headers."},
                    {"cookies", list(text(256).as(syntax::kHeaderName), 16).unique_by({""}),
                     "Cookies, by name."},
                    {"query", list(text(256).size(1, 256), 16).unique_by({""}),
                     "Parameters of the URL, by decoded name."},
                })
      .or_else("{}");
}

std::string_view why_not_targeted(std::string_view name) {
  if (equals_ignore_case(name, "surrogate-control")) return "set `surrogateControl: true` instead";
  if (equals_ignore_case(name, "cache-control"))
    return "it is what holds when none of these is there";
  if (!to_lower(name).ends_with("-cache-control"))
    return "a targeted field has a name that ends in -Cache-Control (RFC 9213)";
  return {};
}

std::string_view why_no_tags(std::string_view name) {
  if (name == "*") return "it names no header: name each one";
  if (equals_ignore_case(name, "set-cookie")) return "it holds what is one client's own";
  if (wire::http::is_hop_by_hop(wire::http::field_id(name)))
    return "it is for one connection and is not stored";
  return {};
}

void check_lists(const Json& value, const Place& place) {
  check_names(value, "targetedFields", place, why_not_targeted);
  check_names(value, "tagHeaders", place, why_no_tags);
}

Schema shield() {
  return object({
      {"upstream", upstream_ref().required(),
       "Upstream whose endpoints are the parent edges. Each key has its own parent, as long as it "
       "is well. They must list the edges in `connection.trustedProxies`, since the scheme of the "
       "client is part of the key."},
      {"pseudonym", text(128).as(syntax::kHeaderName).or_else("headgate"),
       "What this network of edges is called in CDN-Loop (RFC 8586): an edge that meets it in a "
       "request asks the backends, never another parent."},
  });
}

Schema spec() {
  const Schema names = list(text(256).as(syntax::kHeaderName), 8);
  return object({
      {"targetRefs", target_refs({"Gateway", "ListenerSet", "HTTPRoute"}),
       "What the policy is for."},
      {"enabled", boolean().or_else("true"),
       "Whether anything is cached: false turns off here what a policy further out turns on."},
      {"key", key(), "What tells entries apart beside scheme, host, port and path."},
      {"ttl", ttl(), "How long responses are fresh, and of use when stale."},
      {"bypass", bypass(),
       "A request that meets any of these is neither answered from the cache nor stored."},
      {"honourRequestDirectives", boolean().or_else("true"),
       "Whether Cache-Control and Pragma of clients count."},
      {"targetedFields", names.or_else(R"(["CDN-Cache-Control"])"),
       "Response headers that govern this cache instead of Cache-Control (RFC 9213); the first one "
       "that is there counts."},
      {"surrogateControl", boolean().or_else("false"),
       "Whether Surrogate-Control stands before all of them."},
      {"setCookie", text().one_of({"Refuse", "Strip", "Keep"}).or_else("Refuse"),
       "A response that sets a cookie is not stored, stored without it, or stored and given to "
       "everybody with it."},
      {"heuristicsWithCookies", boolean().or_else("false"),
       "Whether a response without any lifetime is stored although the request had cookies that "
       "are no part of the key."},
      {"tagHeaders", names.or_else(R"(["Cache-Tag", "Surrogate-Key", "xkey"])"),
       "Response headers whose words are tags, by which entries can be purged."},
      {"maxObjectBytes", integer(1, INT64_C(1) << 50).or_else("1099511627776"),
       "A larger response is not stored. Bytes. One above 16777216, or an eighth of "
       "--cache-memory, is kept in slices where the origin sends Accept-Ranges: bytes and a strong "
       "ETag, else passed through."},
      {"admission", text().one_of({"Always", "SecondRequest"}).or_else("Always"),
       "Whether a response is stored at the first request for it, or at the second."},
      {"keyInCacheStatus", boolean().or_else("false"),
       "Whether Cache-Status shows the key to clients."},
      {"shield", shield(),
       "Parent edges that are asked for what is missing or must be validated here, in place of the "
       "backends of the rule."},
  });
}

constexpr std::string_view kProse =
    "What is cached, and how. Nothing is without such a policy; one with `targetRefs` alone means "
    "RFC 9111 as written, for a shared cache. The nearest policy is used as a whole: named rule, "
    "route, listener, Gateway; fields are not merged. Of two policies for the same target the "
    "older one is used, by name when they are of one age; the other one says so in its status. "
    "TCP, TLS and UDP listeners carry no requests and GRPCRoutes are never cached: a policy whose "
    "targets are such listeners alone is a warning. What changes the meaning of what is stored "
    "(`key`, `bypass`, `honourRequestDirectives`, `targetedFields`, `surrogateControl`, "
    "`setCookie`, `heuristicsWithCookies`, `tagHeaders`, the statuses of `ttl.byStatus`) leaves "
    "old entries behind when it is changed; the other fields hold at once for what is there.";

}  // namespace

Kind cache_policy() {
  return {kHeadgateGroup,
          {"v1alpha1"},
          "CachePolicy",
          "cachepolicies",
          true,
          false,
          kProse,
          object({{"spec", spec().where("lists of headers without repeats", check_lists).required(),
                   "The policy."}}),
          R"(apiVersion: headgate.io/v1alpha1
kind: CachePolicy
metadata: {name: shop}
spec:
  targetRefs: [{kind: HTTPRoute, name: shop}]
  key: {query: {mode: Except, names: ["utm_*", fbclid]}}
  ttl: {max: 1h, byStatus: [{status: 404, ttl: 10s}]}
)"};
}

}  // namespace headgate::config::kinds
