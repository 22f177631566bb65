#pragma once
// The OpenSSL contexts of one listener. Immutable; shared by successive ServerContexts when nothing
// about it changed, so a change of one listener rebuilds one. Certificates are grouped by the names
// they cover: one SSL_CTX a group, in which OpenSSL picks ECDSA or RSA by the client's signature
// algorithms.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/tls/handle.h"
#include "io/tls/server_config.h"

namespace headgate::io::tls {

class ListenerContext {
 public:
  // `digest` is digest_of(listener); `now` dates the warnings.
  static Result<std::shared_ptr<const ListenerContext>> make(const ServerListener& listener,
                                                             std::string digest, WallTime now);
  // Of every field, certificates and keys included.
  static std::string digest_of(const ServerListener& listener);

  const std::string& digest() const { return digest_; }
  const std::vector<std::string>& warnings() const { return warnings_; }
  // The context whose certificate names match best; the first when none does. `name` may be empty.
  SSL_CTX* context_for(std::string_view name) const;
  // Gives a connection everything of this listener that does not follow the SSL_CTX by itself.
  void apply(SSL* ssl, SSL_CTX* context) const;

 private:
  struct Group {
    std::vector<std::string> names;
    SslContextPtr context;
  };
  ListenerContext() = default;

  std::string digest_;
  std::vector<std::string> warnings_;
  std::string
      session_scope_;  // 32 bytes; sessions resume only where listener and client CAs are the same
  Policy policy_ = Policy::kPci;
  int verify_mode_ = 0;
  int (*verify_)(int, X509_STORE_CTX*) = nullptr;
  std::vector<Group> groups_;
};

// Installs the callbacks that find a connection's listener and seal its tickets
// (server_context.cc).
void set_server_callbacks(SSL_CTX* context);

}  // namespace headgate::io::tls
