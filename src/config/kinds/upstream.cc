#include <fmt/format.h>

#include "config/kinds/tables.h"
#include "config/syntax.h"
#include "config/value.h"

namespace headgate::config::kinds {
namespace {

Schema endpoint() {
  return object({
                    {"address", text(253).as(syntax::kEndpointAddress).required(),
                     "IP address, DNS name (resolved again by its TTL, the last good answer is "
                     "kept), or unix:/path."},
                    {"port", port(), "Port; required unless the address is a Unix socket."},
                    {"weight", integer(0, 65535).or_else("1"),
                     "Share of requests, against the other endpoints; 0: no new requests."},
                    {"priority", integer(0, 31).or_else("0"),
                     "Level. Lower ones are used first; what their healthy part cannot take goes "
                     "to the next."},
                    {"locality", text(128), "Where it stands, for localityAware."},
                })
      .where("a port, unless the address is a Unix socket",
             [](const Json& value, const Place& place) {
               const bool unix_socket = text_of(value, "address").starts_with("unix:");
               if (!unix_socket && !find(value, "port"))
                 Place(place, "port").error("required, but missing");
               if (unix_socket && find(value, "port"))
                 Place(place, "port").error("not allowed for a Unix socket");
             });
}

Schema load_balancing() {
  return object({
                    {"policy",
                     text()
                         .one_of({"RoundRobin", "LeastRequest", "Random", "Maglev", "RingHash"})
                         .or_else("LeastRequest"),
                     "How an endpoint is chosen. LeastRequest takes the less loaded of two random "
                     "ones."},
                    {"hashKeys", hash_keys("endpoint"),
                     "Maglev and RingHash: the first one that the request has decides. None: the "
                     "client's address."},
                    {"boundedLoadFactor", number(0, 100).or_else("0"),
                     "Maglev and RingHash: an endpoint may carry at most this times the mean load, "
                     "above 1; 0: no bound."},
                    {"slowStart", duration(0s, 1h).or_else("0s"),
                     "Time in which a new or recovered endpoint grows to its weight; 0s: at once."},
                    {"panicThresholdPercent", integer(0, 100).or_else("50"),
                     "Below this share of healthy endpoints health is ignored: sending to a few "
                     "would overload them."},
                    {"localityAware", boolean().or_else("false"),
                     "Whether endpoints in the edge's own locality come first within a priority."},
                })
      .where("boundedLoadFactor is 0 or above 1", [](const Json& value, const Place& place) {
        const double factor = number_of(value, "boundedLoadFactor");
        if (factor != 0 && factor <= 1)
          Place(place, "boundedLoadFactor")
              .error(fmt::format("expected 0 or a number above 1, got {}", factor));
        const std::string_view policy = text_of(value, "policy", "LeastRequest");
        if (policy == "Maglev" || policy == "RingHash") return;
        const auto refuse = [&](std::string_view field) {
          Place(place, field)
              .error(fmt::format("expected policy Maglev or RingHash beside it, got {}", policy));
        };
        // A default is no wish: resources are read again after defaults were filled in.
        if (!items(value, "hashKeys").empty()) refuse("hashKeys");
        if (factor != 0) refuse("boundedLoadFactor");
      });
}

Schema health_check() {
  return object({
                    {"type", text().one_of({"HTTP", "GRPC", "TCP"}).or_else("HTTP"),
                     "HTTP: GET path; GRPC: grpc.health.v1; TCP: a connection."},
                    {"path", text(1024).as(syntax::kAbsolutePath).or_else("/"),
                     "HTTP: path and query that are asked for."},
                    {"host", text(253), "HTTP: Host header; the endpoint's address when absent."},
                    {"grpcService", text(253),
                     "GRPC: service that is asked about; the server as a whole when absent."},
                    {"port", port(), "Port; the endpoint's when absent."},
                    {"statusMin", integer(100, 599).or_else("200"),
                     "HTTP: lowest status that means healthy."},
                    {"statusMax", integer(100, 599).or_else("399"),
                     "HTTP: highest status that means healthy."},
                    {"interval", duration(100ms, 1h).or_else("5s"),
                     "Time between checks of one endpoint; jitter is added."},
                    {"timeout", duration(10ms, 5min).or_else("2s"),
                     "Time after which a check has failed."},
                    {"healthyThreshold", integer(1, 100).or_else("2"),
                     "Good checks in a row until an endpoint is healthy."},
                    {"unhealthyThreshold", integer(1, 100).or_else("3"),
                     "Failed checks in a row until it is not."},
                })
      .where("statusMin is at most statusMax", [](const Json& value, const Place& place) {
        if (integer_of(value, "statusMin", 200) > integer_of(value, "statusMax", 399))
          Place(place, "statusMin").error("expected at most statusMax");
      });
}

Schema outlier_detection() {
  return object({
      {"enabled", boolean().or_else("true"),
       "Whether endpoints that fail requests are taken out for a while."},
      {"consecutiveErrors", integer(1, 1000).or_else("5"),
       "5xx answers, resets and failed connections in a row that take an endpoint out."},
      {"baseEjection", duration(1s, 1h).or_else("30s"),
       "How long the first time; it grows each time."},
      {"maxEjection", duration(1s, 24h).or_else("300s"), "How long at most."},
      {"maxEjectedPercent", integer(0, 100).or_else("50"),
       "Share of endpoints that may be out at once."},
  });
}

Schema limits() {
  return object({
      {"maxConnections", integer(1, 1'000'000).or_else("1024"),
       "Connections of the process to this Upstream."},
      {"maxPending", integer(0, 1'000'000).or_else("1024"),
       "Requests that wait for a connection; more are answered with 503."},
      {"maxRequests", integer(1, 10'000'000).or_else("4096"),
       "Requests in flight; more are answered with 503."},
      {"retryBudgetPercent", integer(0, 100).or_else("20"),
       "Requests that are tried again or hedged, as a share of requests in flight."},
      {"minRetries", integer(0, 1000).or_else("3"),
       "Requests that may be tried again or hedged at once whatever the share."},
  });
}

Schema upstream_tls() {
  return object({
      {"serverName", text(253).as(syntax::kPreciseHostname),
       "Name sent as SNI and verified; the endpoint's DNS name when absent."},
      {"subjectAltNames", list(text(253).size(1, 253), 16).unique_by({""}),
       "Names of which the certificate must hold one, instead of serverName."},
      {"caCertificateRefs", list(config_ref(), 8),
       "Trust anchors, under the key ca.crt; the machine's trust store when absent."},
      {"clientCertificateRef", secret_ref(),
       "Certificate and key that the edge shows to the backend."},
      {"http2", boolean().or_else("true"), "Whether HTTP/2 is offered (ALPN)."},
  });
}

void check_upstream(const Json& value, const Place& place) {
  const std::string_view protocol = text_of(value, "protocol", "HTTP");
  if (find(value, "tls") && protocol != "HTTPS")
    Place(place, "tls").error(fmt::format("expected protocol HTTPS beside it, got {}", protocol));
  const Json& dns = at(value, "dns");
  if (duration_of(dns, "minTTL", 1s) > duration_of(dns, "maxTTL", 300s))
    Place(Place(place, "dns"), "minTTL").error("expected at most maxTTL");
  std::int64_t weights = 0;
  for (const Json& one : items(value, "endpoints")) weights += integer_of(one, "weight", 1);
  if (weights == 0) Place(place, "endpoints").error("expected an endpoint with a weight above 0");
}

Schema adaptive_concurrency() {
  return object({
                    {"enabled", boolean().or_else("false"),
                     "Whether the number of requests in flight follows measured latency; more are "
                     "answered with 503."},
                    {"minLimit", integer(1, 1'000'000).or_else("8"), "Lowest limit."},
                    {"maxLimit", integer(1, 1'000'000).or_else("4096"), "Highest limit."},
                    {"latencyTolerance", number(1, 100).or_else("1.5"),
                     "Latency, in multiples of the learned minimum, that still raises the limit."},
                })
      .where("minLimit is at most maxLimit", [](const Json& value, const Place& place) {
        if (integer_of(value, "minLimit", 8) > integer_of(value, "maxLimit", 4096))
          Place(place, "minLimit").error("expected at most maxLimit");
      });
}

}  // namespace

Kind upstream() {
  const Schema spec = object({
      {"protocol", text().one_of({"HTTP", "HTTP2", "HTTPS"}).or_else("HTTP"),
       "What the backend speaks: HTTP/1.1, HTTP/2 with prior knowledge, or TLS with HTTP/2 or 1.1 "
       "by ALPN."},
      {"endpoints", list(endpoint(), 4096).size(1, 4096).required(),
       "Where the backend listens. An empty list is refused."},
      {"loadBalancing", load_balancing().or_else("{}"), "How endpoints share the work."},
      {"healthCheck", health_check(), "Active checks; none when absent."},
      {"outlierDetection", outlier_detection().or_else("{}"), "What is learned from requests."},
      {"limits", limits().or_else("{}"), "What the backend is spared."},
      {"adaptiveConcurrency", adaptive_concurrency().or_else("{}"), "A limit that finds itself."},
      {"tls", upstream_tls(), "TLS, for protocol HTTPS. A BackendTLSPolicy wins over it."},
      {"proxyProtocol", text().one_of({"None", "V1", "V2"}).or_else("None"),
       "PROXY protocol header that is sent on every new connection."},
      {"connectTimeout", duration(1ms, 5min).or_else("3s"),
       "Time in which a connection must be made, TLS included."},
      {"idleTimeout", duration(0s, 1h).or_else("4s"),
       "Time after which an unused connection is closed; below that of the backend, or requests "
       "meet a closing connection."},
      {"maxRequestsPerConnection", integer(0, 1'000'000'000).or_else("0"),
       "Requests after which a connection is not used again; 0: no limit."},
      {"dns",
       object({
                  {"minTTL", duration(1s, 24h).or_else("1s"),
                   "Shortest time between two resolutions."},
                  {"maxTTL", duration(1s, 24h).or_else("300s"),
                   "Longest time between two resolutions."},
              })
           .or_else("{}"),
       "Bounds to the TTL of endpoint names."},
  });
  return {kHeadgateGroup,
          {"v1alpha1"},
          "Upstream",
          "upstreams",
          true,
          false,
          "A backend: where it listens and with what care it is used.",
          object({{"spec", spec.where("fields that fit together", check_upstream).required(),
                   "The backend."}}),
          R"(apiVersion: headgate.io/v1alpha1
kind: Upstream
metadata: {name: shop}
spec:
  protocol: HTTP
  endpoints:
  - {address: 127.0.0.1, port: 9000}
  - {address: shop.internal.example, port: 9000, weight: 3}
  loadBalancing: {policy: Maglev, hashKeys: [{type: Cookie, name: cart}], boundedLoadFactor: 1.25}
  healthCheck: {path: /healthz, interval: 2s}
)"};
}

}  // namespace headgate::config::kinds
