#pragma once
// What a TLS server context is made from: plain values, so that io needs to know no configuration
// model.
#include <cstdint>
#include <string>
#include <vector>

namespace headgate::io::tls {

struct CertificateSource {
  std::string name;  // for messages: "Secret default/local-tls"
  std::string chain_pem, key_pem;
};

// kPci: TLS 1.2 and 1.3, ECDHE with AEAD ciphers alone. kModern: TLS 1.3 alone.
enum class Policy : std::uint8_t { kPci, kModern };

// kNone: the extension is ignored. Otherwise a client that offers nothing in common gets
// no_application_protocol (RFC 7301).
enum class Alpn : std::uint8_t { kNone, kHttp1, kHttp2 };

struct ClientValidation {
  std::string ca_pem;    // empty: no client certificate is asked for
  bool required = true;  // false: a missing or bad certificate does not end the handshake; see
                         // client_identity()
};

struct ServerListener {
  std::string name;  // "Gateway default/edge/https"; part of what separates sessions of listeners
  std::string hostname;  // "" any, "*.example.com" one or more labels, or exact
  std::vector<CertificateSource>
      certificates;  // ECDSA and RSA side by side; several names: chosen by SNI
  Policy policy = Policy::kPci;
  ClientValidation client;
  Alpn alpn = Alpn::kHttp2;
};

struct ServerConfig {
  std::vector<ServerListener> listeners;
  bool unknown_name_gets_default =
      false;  // otherwise an SNI without a listener gets unrecognized_name (RFC 6066 §3)
};

}  // namespace headgate::io::tls
