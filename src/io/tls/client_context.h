#pragma once
// TLS towards upstreams: verifies the peer's chain and names, offers ALPN, resumes sessions.
// Immutable after make(); any worker may call connect(); connections outlive it safely. Keeps the
// last session of each server name asked for (at most kSessionsMax), behind a lock that is taken
// once for a connection and once for a ticket.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/stream.h"

using SSL_CTX = struct ssl_ctx_st;

namespace headgate::io::tls {

struct ClientConfig {
  std::string name;  // for messages: "Upstream shop/cart"
  std::string
      server_name;  // SNI, and the name to verify unless others are given; may be an IP address
  std::vector<std::string>
      subject_alt_names;  // DNS names or IP addresses, any of which the certificate must carry
  std::string ca_pem;     // empty: the system's trust store
  std::string chain_pem, key_pem;  // our own certificate; empty: none
  bool offer_h2 = false;
};

class ClientContext {
 public:
  static constexpr std::size_t kSessionsMax = 64;
  static Result<std::shared_ptr<ClientContext>> make(const ClientConfig& config);
  ~ClientContext();
  ClientContext(const ClientContext&) = delete;
  ClientContext& operator=(const ClientContext&) = delete;

  // A connection that will send its ClientHello; hand it to Stream. `server_name` "" is the
  // configured one; another one is sent as SNI and is verified unless subject_alt_names are
  // configured. Null when memory ran out.
  SslPtr connect(std::string_view server_name = {}) const;

 private:
  struct State;
  friend struct ClientCallbacks;
  ClientContext() = default;
  SSL_CTX* context_ = nullptr;
};

// Takes ALPN out of the ClientHello to come: for what is carried is not HTTP.
void offer_no_protocol(SSL* ssl);

// "certificate of 'api.example.com': hostname mismatch" after a failed
// handshake; what Stream says when the certificate was not the reason.
std::string client_handshake_error(const SSL* ssl, std::string_view otherwise);

}  // namespace headgate::io::tls
