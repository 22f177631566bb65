#pragma once
// For tests: certificates made on the spot, and a handshake of two ends over a socket pair.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>
#include <utility>
#include <vector>

#include "io/clock.h"
#include "io/stream.h"
#include "io/tls/certificate_builder.h"
#include "io/tls/server_config.h"

namespace headgate::io::tls {

struct TestAuthority {
  explicit TestAuthority(const std::string& name = "test authority")
      : key(make_key(KeyType::kEcdsaP256).value()) {
    const WallTime now = wall_now();
    certificate =
        make_certificate({name, {}, CertificateUse::kAuthority, now - 1h, now + 24h}, key.get(), {})
            .value();
  }
  std::string pem() const { return to_pem(certificate.get()); }

  struct Options {
    KeyType type = KeyType::kEcdsaP256;
    CertificateUse use = CertificateUse::kServer;
    Duration life = 2h;
  };
  CertificateSource issue(std::vector<std::string> names, Options options) const {
    KeyPtr leaf = make_key(options.type).value();
    const WallTime now = wall_now();
    auto made =
        make_certificate({names.at(0), names, options.use, now - 1h, now - 1h + options.life},
                         leaf.get(), {certificate.get(), key.get()});
    return {"Secret test/" + names.at(0), to_pem(made.value().get()), to_pem(leaf.get())};
  }
  CertificateSource issue(std::vector<std::string> names) const {
    return issue(std::move(names), {});
  }

  KeyPtr key;
  X509Ptr certificate;
};

struct Handshake {
  Stream server, client;
  bool done = false;
  std::string server_error, client_error;
};

inline std::pair<Fd, Fd> make_pair() {
  int fds[2] = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
  return {Fd(fds[0]), Fd(fds[1])};
}

// Both ends in turns until both are done or one fails; then one byte each way, so that tickets
// arrive.
inline Handshake shake_hands(SslPtr server, SslPtr client) {
  auto [a, b] = make_pair();
  Handshake h{Stream(std::move(a), std::move(server)),
              Stream(std::move(b), std::move(client)),
              false,
              {},
              {}};
  for (int round = 0; round < 20 && !h.done; ++round) {
    const auto client_state = h.client.handshake();
    if (client_state == Transfer::State::kFailed) h.client_error = h.client.handshake_error();
    const auto server_state = h.server.handshake();
    if (server_state == Transfer::State::kFailed) h.server_error = h.server.handshake_error();
    if (!h.server_error.empty() && !h.client_error.empty()) return h;
    h.done = client_state == Transfer::State::kDone && server_state == Transfer::State::kDone;
  }
  char byte = 0;
  if (h.done) {
    h.done = h.server.write("s").bytes == 1 && h.client.read(&byte, 1).bytes == 1 &&
             h.client.write("c").bytes == 1 && h.server.read(&byte, 1).bytes == 1;
  }
  return h;
}

}  // namespace headgate::io::tls
