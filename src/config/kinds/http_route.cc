#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.h"
#include "config/duration.h"
#include "config/kinds/tables.h"
#include "config/syntax.h"
#include "config/value.h"

namespace headgate::config::kinds {
namespace {

constexpr std::size_t kMatchesOfRouteMax = 128;

bool is_path_byte(char c) {
  constexpr std::string_view kMarks = "-/._~!$&'()*+,;=:@";
  return is_digit(c) || is_alpha(c) || kMarks.find(c) != std::string_view::npos;
}

// As the Gateway API has it: what normalisation would change can never match, so it is refused.
std::string_view path_fault(std::string_view path) {
  if (!path.starts_with('/')) return "a path that begins with '/'";
  for (const std::string_view part : {"//", "/./", "/../", "%2f", "%2F", "#"})
    if (path.find(part) != std::string_view::npos) return "a path without //, /./, /../, %2F and #";
  if (path.ends_with("/..") || path.ends_with("/.")) return "a path that does not end in /. or /..";
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '%' && i + 2 < path.size() && hex_value(path[i + 1]) >= 0 &&
        hex_value(path[i + 2]) >= 0)
      continue;
    if (!is_path_byte(path[i])) return "a path of letters, digits, -/._~!$&'()*+,;=:@ and %xx";
  }
  return {};
}

void check_path_match(const Json& value, const Place& place) {
  if (text_of(value, "type", "PathPrefix") == "RegularExpression") return;
  if (const std::string_view fault = path_fault(text_of(value, "value", "/")); !fault.empty())
    Place(place, "value")
        .error(fmt::format("expected {}, got '{}'", fault, text_of(value, "value")));
}

Schema value_match(bool header) {
  return object({
      {"type", text().one_of({"Exact", "RegularExpression"}).or_else("Exact"),
       "How the value is compared. Expressions are RE2 and must match the whole value."},
      {"name", text(256).as(syntax::kHeaderName).required(),
       header ? "Header name, in any case." : "Name of the query parameter, in this case."},
      {"value", text(header ? 4096 : 1024).size(1, header ? 4096 : 1024).required(),
       "Value, or expression."},
  });
}

Schema match() {
  const Schema path = object({
      {"type", text().one_of({"Exact", "PathPrefix", "RegularExpression"}).or_else("PathPrefix"),
       "How the path is compared; PathPrefix compares whole segments."},
      {"value", text(1024).or_else("/"),
       "Path, or expression of RE2 that must match the whole path."},
  });
  return object({
      {"path",
       path.where("a path that normalisation leaves as it is", check_path_match).or_else("{}"),
       "Path of the request, without query."},
      {"headers", list(value_match(true), 16).unique_by({"name"}), "Headers that must all match."},
      {"queryParams", list(value_match(false), 16).unique_by({"name"}),
       "Query parameters that must all match."},
      {"method",
       text().one_of(
           {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}),
       "Method of the request; every one when absent."},
  });
}

Schema path_modifier() {
  return object({
                    {"type", text().one_of({"ReplaceFullPath", "ReplacePrefixMatch"}).required(),
                     "What is replaced."},
                    {"replaceFullPath", text(1024), "The whole new path."},
                    {"replacePrefixMatch", text(1024),
                     "What stands instead of the prefix that matched."},
                })
      .where("the field that `type` names, and it alone",
             [](const Json& value, const Place& place) {
               check_union(value, place,
                           {{"ReplaceFullPath", "replaceFullPath"},
                            {"ReplacePrefixMatch", "replacePrefixMatch"}});
             });
}

Schema redirect() {
  return object(
             {
                 {"scheme", text().one_of({"http", "https"}),
                  "Scheme of the new location; the request's when absent."},
                 {"hostname", text(253).as(syntax::kPreciseHostname),
                  "Host of the new location; the request's when absent."},
                 {"path", path_modifier(), "Path of the new location; the request's when absent."},
                 {"port", port(),
                  "Port of the new location. When absent: that of the scheme if one is set, else "
                  "the listener's."},
                 {"statusCode", integer(301, 308).or_else("302"), "301, 302, 303, 307 or 308."},
             })
      .where("statusCode is 301, 302, 303, 307 or 308", [](const Json& value, const Place& place) {
        const auto status = integer_of(value, "statusCode", 302);
        if (status > 303 && status < 307)
          Place(place, "statusCode")
              .error(fmt::format("expected one of 301, 302, 303, 307, 308, got {}", status));
      });
}

void check_star_alone(const Json& value, const Place& place, std::string_view field) {
  const Json& values = items(value, field);
  if (values.size() > 1 && std::find(values.begin(), values.end(), "*") != values.end())
    Place(place, field).error("expected '*' alone, or a list without '*'");
}

Schema cors() {
  const std::vector<std::string_view> methods = {"GET",     "HEAD",    "POST",  "PUT",   "DELETE",
                                                 "CONNECT", "OPTIONS", "TRACE", "PATCH", "*"};
  const Schema names = list(text(256).as(syntax::kHeaderName), 64).unique_by({""});
  return object({
                    {"allowOrigins", list(text(253).as(syntax::kOrigin), 64).unique_by({""}),
                     "Origins that may read answers: '*', or scheme://host[:port], where the host "
                     "may begin with '*.'."},
                    {"allowCredentials", boolean().or_else("false"),
                     "Whether cookies and credentials may come along."},
                    {"allowMethods", list(text(16).one_of(methods), 9).unique_by({""}),
                     "Methods that a preflight allows."},
                    {"allowHeaders", names, "Request headers that a preflight allows."},
                    {"exposeHeaders", names, "Response headers that a script may read."},
                    {"maxAge", integer(1, INT32_MAX).or_else("5"),
                     "Seconds for which a browser may keep the answer to a preflight."},
                })
      .where("'*' stands alone", [](const Json& value, const Place& place) {
        for (const std::string_view field :
             {"allowOrigins", "allowMethods", "allowHeaders", "exposeHeaders"})
          check_star_alone(value, place, field);
      });
}

Schema mirror() {
  return object(
             {
                 {"backendRef", backend_ref().required(),
                  "Where copies go; answers are thrown away."},
                 {"percent", integer(0, 100),
                  "Share of requests that is copied, in percent; all when neither this nor "
                  "`fraction` is set."},
                 {"fraction",
                  object({
                      {"numerator", integer(0, INT32_MAX).required(), "Requests that are copied."},
                      {"denominator", integer(1, INT32_MAX).or_else("100"), "Out of so many."},
                  }),
                  "Share of requests that is copied, as a fraction."},
             })
      .where("`percent` or `fraction`, not both", [](const Json& value, const Place& place) {
        if (find(value, "percent") && find(value, "fraction"))
          Place(place, "fraction").error("expected percent or fraction, not both");
        const Json& fraction = at(value, "fraction");
        if (integer_of(fraction, "numerator") > integer_of(fraction, "denominator", 100))
          Place(Place(place, "fraction"), "numerator").error("expected at most the denominator");
      });
}

Schema filters(bool http) {
  std::vector<std::string_view> types = {"RequestHeaderModifier", "ResponseHeaderModifier",
                                         "RequestMirror"};
  if (http)
    types = {"RequestHeaderModifier", "ResponseHeaderModifier",
             "RequestRedirect",       "URLRewrite",
             "RequestMirror",         "CORS"};
  Schema filter = object({
      {"type", text().one_of(types).required(),
       "Which filter; the field of the same name holds its settings."},
      {"requestHeaderModifier", header_edits(), "Changes headers on the way to the backend."},
      {"responseHeaderModifier", header_edits(), "Changes headers on the way to the client."},
      {"requestMirror", mirror(), "Sends a copy of the request to another backend."},
  });
  if (http)
    filter = extend(
        filter, {
                    {"requestRedirect", redirect(),
                     "Answers with a redirect; the rule then has no backends."},
                    {"urlRewrite",
                     object({
                         {"hostname", text(253).as(syntax::kPreciseHostname),
                          "Host that the backend sees."},
                         {"path", path_modifier(), "Path that the backend sees."},
                     }),
                     "Changes host and path on the way to the backend."},
                    {"cors", cors(),
                     "Answers preflight requests and lets scripts of other origins read answers."},
                });
  return list(filter.where("the field that `type` names, and it alone",
                           [](const Json& value, const Place& place) {
                             check_union(value, place, kFilterVariants);
                           }),
              16)
      .where(
          "each filter but RequestMirror at most once; RequestRedirect and URLRewrite never "
          "together",
          check_filters);
}

const Json* filter_of(const Json& owner, std::string_view type) {
  for (const Json& filter : items(owner, "filters"))
    if (text_of(filter, "type") == type) return &filter;
  return nullptr;
}

bool replaces_prefix(const Json& owner) {
  for (const auto& [type, field] :
       {std::pair{"RequestRedirect", "requestRedirect"}, {"URLRewrite", "urlRewrite"}})
    if (const Json* filter = filter_of(owner, type))
      if (text_of(at(at(*filter, field), "path"), "type") == "ReplacePrefixMatch") return true;
  return false;
}

bool matches_one_prefix(const Json& rule) {
  const Json& matches = items(rule, "matches");
  if (matches.empty()) return true;  // the default is PathPrefix /
  return matches.size() == 1 &&
         text_of(at(matches[0], "path"), "type", "PathPrefix") == "PathPrefix";
}

void check_prefix_rewrite(const Json& rule, const Place& place) {
  if (matches_one_prefix(rule)) return;
  const auto report = [](const Place& at) {
    at.error("expected exactly one match, of path type PathPrefix, beside a ReplacePrefixMatch");
  };
  if (replaces_prefix(rule)) report(Place(place, "filters"));
  const Place backends(place, "backendRefs");
  for (std::size_t i = 0; i < items(rule, "backendRefs").size(); ++i)
    if (replaces_prefix(rule["backendRefs"][i])) report(Place(Place(backends, i), "filters"));
}

void check_redirect(const Json& rule, const Place& place) {
  if (filter_of(rule, "RequestRedirect") && !items(rule, "backendRefs").empty())
    Place(place, "backendRefs").error("expected none beside filter RequestRedirect");
}

void check_timeouts(const Json& value, const Place& place) {
  const Duration whole = duration_of(value, "request");
  if (whole > Duration::zero() && duration_of(value, "backendRequest") > whole)
    Place(place, "backendRequest")
        .error(fmt::format("expected at most the request timeout, {}", text_of(value, "request")));
}

Schema timeouts() {
  return object({
                    {"request", duration(0s, 24h),
                     "Whole exchange, retries included; 0s: none. Wins over TrafficPolicy."},
                    {"backendRequest", duration(0s, 24h),
                     "One attempt, from the last byte of the request until the response head; 0s: "
                     "none. Wins over TrafficPolicy."},
                })
      .where("backendRequest is at most request", check_timeouts);
}

Schema retry() {
  return object({
      {"codes", list(integer(400, 599), 32),
       "Statuses of the backend after which an idempotent request is tried again."},
      {"attempts", integer(0, 10), "Attempts beyond the first."},
      {"backoff", duration(1ms, 1min), "Shortest wait between attempts."},
  });
}

Schema session_persistence() {
  return object(
             {
                 {"sessionName", text(128).as(syntax::kHeaderName),
                  "Name of the cookie; made from the route's name when absent."},
                 {"type", text().one_of({"Cookie"}).or_else("Cookie"), "What holds the session."},
                 {"absoluteTimeout", duration(1s, 99999h), "Lifetime of a Permanent cookie."},
                 {"cookieConfig",
                  object({
                      {"lifetimeType", text().one_of({"Session", "Permanent"}).or_else("Session"),
                       "Whether the cookie outlives the browser session."},
                  }),
                  "Properties of the cookie."},
             })
      .where("a Permanent cookie has an absoluteTimeout",
             [](const Json& value, const Place& place) {
               if (text_of(at(value, "cookieConfig"), "lifetimeType") == "Permanent" &&
                   !find(value, "absoluteTimeout"))
                 Place(place, "absoluteTimeout").error("required for lifetimeType Permanent");
             });
}

std::vector<Field> rule_fields(bool http) {
  const Schema weight = integer(0, 1'000'000).or_else("1");
  return {
      {"name", section_name(), "Name of the rule, for sectionName of policies."},
      {"filters", filters(http), "What is done to requests and responses of the rule."},
      {"backendRefs",
       list(backend_ref(
                {{"weight", weight, "Share of requests, against the sum of weights; 0: none."},
                 {"filters", filters(http), "Filters for requests to this backend alone."}}),
            16),
       "Where requests go. Without any, requests are answered with 500."},
      {"sessionPersistence", session_persistence(),
       "Keeps a client with the endpoint that served it first."},
  };
}

void check_names_and_matches(const Json& value, const Place& place) {
  std::vector<std::string_view> names;
  std::size_t matches = 0, i = 0;
  const Place rules(place, "rules");
  for (const Json& rule : items(value, "rules")) {
    const std::string_view name = text_of(rule, "name");
    if (!name.empty() && std::find(names.begin(), names.end(), name) != names.end())
      Place(Place(rules, i), "name")
          .error(fmt::format("expected a name that no other rule has, got '{}'", name));
    names.push_back(name);
    matches += std::max<std::size_t>(1, items(rule, "matches").size());
    ++i;
  }
  if (matches > kMatchesOfRouteMax)
    rules.error(fmt::format("expected at most {} matches over all rules, got {}",
                            kMatchesOfRouteMax, matches));
}

Schema route_spec(const Schema& rule, std::string_view fallback) {
  return object({
                    {"parentRefs", parent_refs(), "Listeners that the route attaches to."},
                    {"hostnames", hostnames(),
                     "Host names that the route serves; those of the listener when absent."},
                    {"rules", list(rule, 16).size(1, 16).or_else(fallback),
                     "The rules; which one serves a request is decided by the most specific match, "
                     "not by their order."},
                })
      .where("rule names differ; at most 128 matches over all rules", check_names_and_matches)
      .required();
}

Schema grpc_match() {
  const Schema method =
      object(
          {
              {"type", text().one_of({"Exact", "RegularExpression"}).or_else("Exact"),
               "How service and method are compared."},
              {"service", text(1024), "Service, for example shop.v1.Cart; every one when absent."},
              {"method", text(1024), "Method, for example Add; every one when absent."},
          })
          .where("service or method; names when Exact", [](const Json& value, const Place& place) {
            const Json* service = find(value, "service");
            const Json* name = find(value, "method");
            if (!service && !name) place.error("expected service, method or both");
            if (text_of(value, "type", "Exact") != "Exact") return;
            if (service && !syntax::kGrpcService.valid(text_of(value, "service")))
              Place(place, "service")
                  .error(fmt::format("expected {}", syntax::kGrpcService.expected));
            if (name && !syntax::kGrpcMethod.valid(text_of(value, "method")))
              Place(place, "method")
                  .error(fmt::format("expected {}", syntax::kGrpcMethod.expected));
          });
  return object({
      {"method", method, "gRPC service and method; every one when absent."},
      {"headers", list(value_match(true), 16).unique_by({"name"}), "Headers that must all match."},
  });
}

}  // namespace

Kind http_route() {
  const Schema matches =
      list(match(), 64).or_else(R"([{"path": {"type": "PathPrefix", "value": "/"}}])");
  std::vector<Field> fields = rule_fields(true);
  fields.insert(
      fields.begin() + 1,
      Field{"matches", matches, "Requests that the rule serves: those that any of these matches."});
  fields.push_back({"timeouts", timeouts(), "Time limits."});
  fields.push_back({"retry", retry(), "When an attempt is repeated. Wins over TrafficPolicy."});
  const Schema rule = object(std::move(fields))
                          .where("no backendRefs beside RequestRedirect", check_redirect)
                          .where("ReplacePrefixMatch needs exactly one match, of type PathPrefix",
                                 check_prefix_rewrite);
  return {kGatewayGroup,
          {"v1", "v1beta1"},
          "HTTPRoute",
          "httproutes",
          true,
          false,
          "Which HTTP requests go where, and what is done to them.",
          object({{"spec", route_spec(rule, R"([{}])"), "The route."}}),
          R"(apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{name: edge}]
  hostnames: [shop.localhost]
  rules:
  - matches: [{path: {type: PathPrefix, value: /cart}}]
    filters:
    - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x-edge, value: headgate}]}}
    backendRefs: [{group: headgate.io, kind: Upstream, name: shop}]
    timeouts: {request: 10s}
)"};
}

Kind grpc_route() {
  std::vector<Field> fields = rule_fields(false);
  fields.insert(
      fields.begin() + 1,
      Field{"matches", list(grpc_match(), 64),
            "Calls that the rule serves: those that any of these matches; every one when absent."});
  return {kGatewayGroup,
          {"v1"},
          "GRPCRoute",
          "grpcroutes",
          true,
          false,
          "Which gRPC calls go where. Errors of the edge are answered as gRPC status.",
          object({{"spec", route_spec(object(std::move(fields)), R"([{}])"), "The route."}}),
          R"(apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: cart}
spec:
  parentRefs: [{name: edge}]
  hostnames: [grpc.localhost]
  rules:
  - matches: [{method: {service: shop.v1.Cart}}]
    backendRefs: [{group: headgate.io, kind: Upstream, name: shop}]
)"};
}

}  // namespace headgate::config::kinds
