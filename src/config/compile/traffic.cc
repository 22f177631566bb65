#include "config/compile/traffic.h"

#include <algorithm>

#include "config/value.h"

namespace headgate::config {
namespace {

model::Timeouts timeouts_of(const Json& value) {
  return {duration_of(value, "request"), duration_of(value, "backendRequest"),
          duration_of(value, "bodyIdle"), duration_of(value, "tunnelIdle"),
          duration_of(value, "tunnelMax")};
}

model::RetryPolicy retry_of(const Json& value) {
  model::RetryPolicy out;
  out.attempts_max = whole_of<std::uint32_t>(value, "attempts");
  out.on_connect_failure = boolean_of(value, "onConnectFailure");
  out.on_reset_before_response = boolean_of(value, "onReset");
  for (const Json& status : items(value, "onStatuses"))
    out.on_statuses.push_back(status.get<std::uint16_t>());
  out.per_try_timeout = duration_of(value, "perTryTimeout");
  out.backoff_base = duration_of(value, "backoff");
  out.backoff_max = std::max(duration_of(value, "maxBackoff"), out.backoff_base);
  out.body_bytes_max = whole_of<std::uint64_t>(value, "maxBodyBytes");
  return out;
}

model::CompressionPolicy compression_of(const Json& value) {
  model::CompressionPolicy out;
  for (const std::string& name : texts_of(value, "algorithms")) {
    out.gzip |= name == "gzip";
    out.brotli |= name == "br";
    out.zstd |= name == "zstd";
  }
  out.bytes_min = whole_of<std::uint32_t>(value, "minBytes");
  out.content_types = texts_of(value, "contentTypes");
  return out;
}

model::AccessLogPolicy access_log_of(const Json& value) {
  return {boolean_of(value, "enabled"), number_of(value, "sample"),
          texts_of(value, "requestHeaders")};
}

}  // namespace

const Schema& traffic_schema() {
  static const Schema& schema = find_field(find_kind("TrafficPolicy")->schema, "spec")->schema;
  return schema;
}

model::TrafficPolicy traffic_policy_of(const Json& spec) {
  model::TrafficPolicy out;
  out.timeouts = timeouts_of(at(spec, "timeouts"));
  out.retry = retry_of(at(spec, "retry"));
  out.hedge = {boolean_of(at(spec, "hedging"), "enabled"),
               duration_of(at(spec, "hedging"), "delay")};
  out.compression = compression_of(at(spec, "compression"));
  out.access_log = access_log_of(at(spec, "accessLog"));
  for (const Json& page : items(spec, "errorPages"))
    out.error_pages.push_back({whole_of<std::uint16_t>(page, "status"),
                               std::string(text_of(page, "contentType")),
                               std::string(text_of(page, "body"))});
  out.request_body_bytes_max = whole_of<std::uint64_t>(spec, "maxRequestBodyBytes");
  out.buffer_bytes_max = whole_of<std::uint32_t>(spec, "maxBufferBytes");
  out.websocket = boolean_of(spec, "webSocket");
  out.abort_on_client_close = boolean_of(spec, "abortOnClientClose");
  out.via = text_of(spec, "via");
  return out;
}

model::PortSettings port_settings_of(const Json& value) {
  model::PortSettings out;
  out.proxy_protocol_from = prefixes_of(value, "proxyProtocolFrom");
  out.trusted_proxies = prefixes_of(value, "trustedProxies");
  out.head_bytes_max = whole_of<std::uint32_t>(value, "maxHeadBytes");
  out.target_bytes_max = whole_of<std::uint32_t>(value, "maxTargetBytes");
  out.fields_max = whole_of<std::uint32_t>(value, "maxHeaders");
  out.connections_max = whole_of<std::uint32_t>(value, "maxConnections");
  out.connections_per_address_max = whole_of<std::uint32_t>(value, "maxConnectionsPerAddress");
  out.head_timeout = duration_of(value, "headTimeout");
  out.idle_timeout = duration_of(value, "idleTimeout");
  out.tls_handshake_timeout = duration_of(value, "tlsHandshakeTimeout");
  out.body_bytes_per_second_min = whole_of<std::uint32_t>(value, "minBodyBytesPerSecond");
  out.body_grace = duration_of(value, "bodyGrace");
  out.response_bytes_per_second_min = whole_of<std::uint32_t>(value, "minResponseBytesPerSecond");
  out.response_grace = duration_of(value, "responseGrace");
  out.requests_per_connection_max = whole_of<std::uint64_t>(value, "maxRequests");
  out.http2_streams_max = whole_of<std::uint32_t>(value, "maxStreams");
  out.http2 = boolean_of(value, "http2");
  return out;
}

}  // namespace headgate::config
