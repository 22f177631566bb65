#include <fmt/format.h>

#include <array>

#include "base/ascii.h"
#include "config/kinds/tables.h"
#include "config/syntax.h"
#include "config/value.h"

namespace headgate::config::kinds {
namespace {

Schema timeouts() {
  return object({
                    {"request", duration(0s, 24h).or_else("0s"),
                     "Whole exchange from the first byte of the head, retries included; 0s: none."},
                    {"backendRequest", duration(0s, 24h).or_else("60s"),
                     "One attempt, from the last byte of the request until the response head; 0s: "
                     "none."},
                    {"bodyIdle", duration(1s, 24h).or_else("60s"),
                     "Time in which no byte moves either way while an exchange is active, or no "
                     "datagram in a UDP flow."},
                    {"tunnelIdle", duration(1s, 99999h).or_else("3600s"),
                     "The same for WebSocket, CONNECT, and connections of TCP and TLS routes."},
                    {"tunnelMax", duration(0s, 99999h).or_else("0s"),
                     "Longest life of a tunnel; 0s: no limit."},
                })
      .or_else("{}");
}

Schema retry() {
  return object(
             {
                 {"attempts", integer(0, 10).or_else("2"), "Attempts beyond the first; 0: never."},
                 {"onConnectFailure", boolean().or_else("true"),
                  "Again when no connection was made: safe for every method."},
                 {"onReset", boolean().or_else("true"),
                  "Again when the connection broke before an answer; idempotent methods alone, "
                  "unless the backend proved that it did nothing."},
                 {"onStatuses", list(integer(400, 599), 32),
                  "Again after these statuses; idempotent methods alone."},
                 {"perTryTimeout", duration(0s, 24h).or_else("0s"),
                  "One attempt; 0s: timeouts.backendRequest."},
                 {"backoff", duration(1ms, 1min).or_else("25ms"),
                  "Shortest wait between attempts; it doubles, with jitter."},
                 {"maxBackoff", duration(1ms, 10min).or_else("250ms"),
                  "Longest wait between attempts."},
                 {"maxBodyBytes", integer(0, 1 << 26).or_else("65536"),
                  "A larger request body is not kept, and its request not repeated. Bytes."},
             })
      .or_else("{}");
}

Schema compression() {
  return object({
                    {"algorithms", list(text().one_of({"gzip", "br", "zstd"}), 3).unique_by({""}),
                     "Encodings that are offered; none when absent."},
                    {"minBytes", integer(0, 1 << 30).or_else("1024"),
                     "Shorter answers are left as they are. Bytes."},
                    {"contentTypes", list(text(128).size(1, 128), 64).unique_by({""}),
                     "Media types that are compressed; a built-in list of text types when absent."},
                })
      .or_else("{}");
}

bool is_credential(std::string_view name) {
  for (const std::string_view secret :
       {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"})
    if (equals_ignore_case(name, secret)) return true;
  return false;
}

Schema access_log() {
  return object({
                    {"enabled", boolean().or_else("true"), "Whether requests are logged."},
                    {"sample", number(0, 1).or_else("1.0"),
                     "Share of successful requests that is logged, 0 to 1; failures always are."},
                    {"requestHeaders", list(text(256).as(syntax::kHeaderName), 32).unique_by({""}),
                     "Request headers that are logged besides; never credentials."},
                })
      .where("no credentials in the log",
             [](const Json& value, const Place& place) {
               const Place names(place, "requestHeaders");
               std::size_t i = 0;
               for (const Json& name : items(value, "requestHeaders")) {
                 if (is_credential(name.get_ref<const std::string&>()))
                   Place(names, i).error(
                       fmt::format("expected no header that holds credentials, got '{}'",
                                   name.get<std::string>()));
                 ++i;
               }
             })
      .or_else("{}");
}

Schema error_pages() {
  return list(object({
                  {"status", integer(400, 599),
                   "Status that the page is for; every status that the edge itself makes when "
                   "absent."},
                  {"contentType",
                   text(128).as(syntax::kHeaderValue).or_else("text/plain; charset=utf-8"),
                   "Media type."},
                  {"body", text(65536).required(),
                   "Text of the page; %STATUS%, %REASON% and %REQUEST_ID% are replaced."},
              }),
              32)
      .unique_by({"status"});
}

// Before a route is known: Gateway and listener alone.
Schema connection() {
  return object(
             {
                 {"proxyProtocolFrom", list(text(64).as(syntax::kPrefix), 256).unique_by({""}),
                  "Addresses whose connections begin with a PROXY protocol header; nobody when "
                  "absent. Not for UDP."},
                 {"trustedProxies", list(text(64).as(syntax::kPrefix), 256).unique_by({""}),
                  "Addresses whose X-Forwarded-* and Forwarded are believed; nobody when absent."},
                 {"maxHeadBytes", integer(1024, 1 << 20).or_else("32768"),
                  "Request line and headers; more is answered with 431. Bytes."},
                 {"maxTargetBytes", integer(256, 1 << 18).or_else("8192"),
                  "Request target; more is answered with 414. Bytes."},
                 {"maxHeaders", integer(10, 10000).or_else("100"),
                  "Header fields; more are answered with 431."},
                 {"maxConnections", integer(0, 10'000'000).or_else("0"),
                  "Connections on the port; 0: the limit of the process. Of a UDP port the flows, "
                  "in equal parts for its sockets, one a worker; a new one ends the quietest."},
                 {"maxConnectionsPerAddress", integer(0, 1'000'000).or_else("0"),
                   "Connections of one client address to the process; 0: no limit. Not for UDP."},
                 {"headTimeout", duration(100ms, 10min).or_else("10s"),
                  "From the accept, or the first byte of a further request, until the end of its "
                  "head."},
                 {"idleTimeout", duration(1s, 24h).or_else("75s"),
                  "Time after which an unused connection is closed."},
                 {"tlsHandshakeTimeout", duration(100ms, 10min).or_else("10s"), "TLS handshake."},
                 {"minBodyBytesPerSecond", integer(0, 1 << 30).or_else("100"),
                  "Slowest request body after bodyGrace; 0: none. Bytes a second."},
                 {"bodyGrace", duration(0s, 10min).or_else("10s"),
                  "Time before the slowest rate is asked for."},
                 {"minResponseBytesPerSecond", integer(0, 1 << 30).or_else("100"),
                  "Slowest reading of a response, while bytes wait for the client; a slower one is "
                  "cut. 0: none. Not of tunnels. Bytes a second."},
                 {"responseGrace", duration(100ms, 10min).or_else("60s"),
                  "Time over which that rate is measured; a client is cut after one to two of it."},
                 {"maxRequests", integer(0, 1'000'000'000).or_else("0"),
                  "Requests after which a connection is closed in order; 0: no limit."},
                 {"maxStreams", integer(1, 10000).or_else("100"),
                  "HTTP/2 streams at once on a connection."},
                 {"http2", boolean().or_else("true"),
                  "Whether HTTP/2 is spoken: by ALPN, and by prior knowledge on HTTP ports."},
             })
      .or_else("{}");
}

void check_targets(const Json& value, const Place& place) {
  if (!find(value, "connection")) return;
  for (const Json& target : items(value, "targetRefs"))
    if (text_of(target, "kind") != "Gateway" && text_of(target, "kind") != "ListenerSet")
      return Place(place, "connection")
          .error(fmt::format("expected targets of kind Gateway or ListenerSet beside it, because "
                             "it holds before a route is known; got {}",
                             text_of(target, "kind")));
}

constexpr std::string_view kProse =
    "How traffic is treated. Inherited field by field: Gateway, listener, route, named rule; the "
    "nearest one that sets a field wins. "
    "Of two policies for the same target the older one is used, by name when they are of one "
    "age; the other one says so in its status. "
    "TCP and TLS listeners and routes use `timeouts.tunnelIdle`, `timeouts.tunnelMax`, "
    "`retry.attempts`, `retry.onConnectFailure`, `maxBufferBytes`, `accessLog.enabled`, "
    "`accessLog.sample` and of `connection` `proxyProtocolFrom`, `maxConnections`, "
    "`maxConnectionsPerAddress`, `tlsHandshakeTimeout`; UDP ones `timeouts.bodyIdle`, "
    "`accessLog.enabled`, `accessLog.sample` and `connection.maxConnections`. A field that no "
    "target of the policy can use is a warning; so are `connection.proxyProtocolFrom` and "
    "`connection.maxConnectionsPerAddress` that a UDP listener inherits, until a TrafficPolicy "
    "for that listener turns them off.";

}  // namespace

Kind traffic_policy() {
  const Schema hedging =
      object({
                 {"enabled", boolean().or_else("false"),
                  "Whether a second attempt may start before the first has failed; safe methods "
                  "without a body alone."},
                 {"delay", duration(1ms, 1min).or_else("50ms"), "When it starts."},
             })
          .or_else("{}");
  const Schema spec = object({
      {"targetRefs",
       target_refs({"Gateway", "ListenerSet", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute",
                    "UDPRoute"}),
       "What the policy is for."},
      {"connection", connection(), "How connections are accepted. For Gateways and listeners."},
      {"timeouts", timeouts(), "Time limits."},
      {"retry", retry(), "When an attempt is repeated."},
      {"hedging", hedging, "A second attempt against slow answers."},
      {"compression", compression(), "Compression of answers, by what the client accepts."},
      {"accessLog", access_log(), "The access log."},
      {"errorPages", error_pages(),
       "What stands in answers that the edge itself makes; plain text when absent."},
      {"maxRequestBodyBytes", integer(0, INT64_C(1) << 50).or_else("0"),
       "A longer request body is answered with 413; 0: no limit. Bytes."},
      {"maxBufferBytes", integer(16384, 1 << 26).or_else("262144"),
       "Bytes held for one exchange and direction before the sender is stopped."},
      {"webSocket", boolean().or_else("true"), "Whether WebSocket is allowed."},
      {"abortOnClientClose", boolean().or_else("true"),
       "Whether a client that closes cancels its request."},
      {"via", text(64).or_else("headgate"), "Pseudonym in the Via header; an empty text: no Via."},
  });
  return {
      kHeadgateGroup,
      {"v1alpha1"},
      "TrafficPolicy",
      "trafficpolicies",
      true,
      true,
      kProse,
      object({{"spec",
               spec.where("`connection` is for Gateways and listeners", check_targets).required(),
               "The policy."}}),
      R"(apiVersion: headgate.io/v1alpha1
kind: TrafficPolicy
metadata: {name: edge}
spec:
  targetRefs: [{kind: Gateway, name: edge}]
  connection: {idleTimeout: 30s}
  timeouts: {request: 30s}
  compression: {algorithms: [br, gzip]}
)"};
}

}  // namespace headgate::config::kinds
