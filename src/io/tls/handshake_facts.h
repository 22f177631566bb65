#pragma once
// What a finished handshake settled, for routing decisions and logs. The views point into OpenSSL's
// constants or the connection and live as long as it does.
#include <optional>
#include <string>
#include <string_view>

using SSL = struct ssl_st;

namespace headgate::io::tls {

struct HandshakeFacts {
  std::string_view version;      // "TLSv1.3"
  std::string_view cipher;       // "TLS_AES_128_GCM_SHA256"
  std::string_view protocol;     // ALPN; empty when none
  std::string_view server_name;  // as sent; empty when none
  bool resumed = false;
};
HandshakeFacts handshake_facts(const SSL* ssl);

bool negotiated_h2(const SSL* ssl);

struct ClientIdentity {
  bool verified =
      false;  // chains up to a client CA of the listener; false only where validation is optional
  std::string subject;  // RFC 2253 text
  std::string sha256;   // of the certificate, 64 hex digits
  std::string problem;  // why it is not verified
};
// The certificate that the client showed, also on a resumed connection; nullopt when it showed
// none.
std::optional<ClientIdentity> client_identity(const SSL* ssl);

}  // namespace headgate::io::tls
