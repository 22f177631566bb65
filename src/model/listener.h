#pragma once
// Listening ports and what they serve. Gateway listeners that share address and port stand together in one Port,
// told apart by host name (SNI before TLS is up, authority afterwards).
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/policy.h"
#include "model/route_table.h"
#include "wire/ip/address.h"

namespace headgate::model {

struct Certificate {
  std::string name;           // "Secret default/local-tls"
  std::string chain_pem, key_pem;
  std::uint64_t fingerprint = 0;
};

struct TlsPolicy {
  std::string name = "pci";   // pci (default): TLS 1.2+ with AEAD and forward secrecy; modern: TLS 1.3 alone
  bool tls12 = true;
};

struct ClientValidation {     // Gateway API frontend validation
  std::string ca_pem;         // empty: no client certificate is asked for
  bool required = true;       // false: AllowInsecureFallback
  std::uint64_t fingerprint = 0;
};

struct ListenerTls {
  std::vector<Certificate> certificates;   // ECDSA and RSA may stand side by side
  bool issue_locally = false;              // no certificateRefs: the development CA of the state directory issues
  TlsPolicy policy;
  ClientValidation client;
};

struct Listener {
  std::string name;           // "Gateway default/edge/https"
  std::string hostname;       // lower case; "" any, "*.example.com" one or more labels
  RouteTable routes;          // HTTP(S)
  ListenerTls tls;            // HTTPS, TLS terminate
};

struct ForwardRule {          // TLSRoute, TCPRoute, UDPRoute
  std::string route;
  std::string route_namespace;
  std::vector<std::string> hostnames;      // TLS: SNI; exact or wildcard
  std::vector<Backend> backends;
  std::uint64_t weight_sum = 0;
  std::uint32_t id = 0;
  std::shared_ptr<const TrafficPolicy> traffic;
  std::vector<std::shared_ptr<const AccessPolicy>> access;  // address lists alone
};

enum class PortProtocol : std::uint8_t { kHttp, kHttps, kTlsPassthrough, kTlsTerminate, kTcp, kUdp };

// How bytes are accepted, before a route is known. From TrafficPolicy attached to a Gateway or a listener.
struct PortSettings {
  std::vector<wire::ip::Prefix> proxy_protocol_from;  // empty: PROXY protocol is not accepted
  std::vector<wire::ip::Prefix> trusted_proxies;      // whose X-Forwarded-* and Forwarded are believed
  std::uint32_t head_bytes_max = 32768, target_bytes_max = 8192, fields_max = 100;
  std::uint32_t connections_max = 0;                  // 0: the process's limit
  std::uint32_t connections_per_address_max = 0;      // 0: no limit
  Duration head_timeout = 10s;                        // from the first byte of a request, or the accept, to the end of its head
  Duration idle_timeout = 75s;                        // keep-alive
  Duration tls_handshake_timeout = 10s;
  std::uint32_t body_bytes_per_second_min = 100;      // after a grace of body_grace; 0: no minimum
  Duration body_grace = 10s;
  // Of a response that waits for its client, measured over periods of response_grace; 0: no minimum
  std::uint32_t response_bytes_per_second_min = 100;
  Duration response_grace = 60s;
  std::uint64_t requests_per_connection_max = 0;      // 0: no limit
  std::uint32_t http2_streams_max = 100;
  bool http2 = true;                                  // ALPN h2, and h2c by prior knowledge on HTTP ports
};

struct Port {
  std::string address;        // IP literal, "" = every address
  std::uint16_t port = 0;
  PortProtocol protocol = PortProtocol::kHttp;
  PortSettings settings;
  std::vector<Listener> listeners;       // most specific host name first
  std::vector<ForwardRule> forwards;     // kTls*, kTcp, kUdp: most specific first
};

}  // namespace headgate::model
