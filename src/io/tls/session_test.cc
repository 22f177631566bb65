// Client certificates, and which sessions resume.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "io/tls/client_context.h"
#include "io/tls/handshake_facts.h"
#include "io/tls/server_context.h"
#include "io/tls/test_peers.h"

namespace headgate::io::tls {
namespace {

class Sessions : public ::testing::Test {
 protected:
  std::shared_ptr<ServerContext> make(const ServerConfig& config,
                                      const ServerContext* previous = nullptr) {
    auto made = ServerContext::make(config, keys, wall_now(), previous);
    EXPECT_TRUE(made) << made.error().message;
    return *made;
  }
  std::shared_ptr<ClientContext> client(const CertificateSource& own = {}) {
    auto made = ClientContext::make({.name = "Upstream test/up",
                                     .server_name = "a.test",
                                     .ca_pem = ca.pem(),
                                     .chain_pem = own.chain_pem,
                                     .key_pem = own.key_pem});
    EXPECT_TRUE(made) << made.error().message;
    return *made;
  }
  static bool resumes(const ServerContext& server, const ClientContext& peer,
                      int version_max = TLS1_3_VERSION, std::string_view name = {}) {
    SslPtr ssl = peer.connect(name);
    SSL_set_max_proto_version(ssl.get(), version_max);
    const Handshake h = shake_hands(server.accept(), std::move(ssl));
    EXPECT_TRUE(h.done) << client_handshake_error(h.client.ssl(), h.client_error) << " / "
                        << h.server_error;
    return handshake_facts(h.server.ssl()).resumed;
  }

  TestAuthority ca;
  WallTime now = wall_now();
  std::shared_ptr<TicketKeys> keys = std::make_shared<TicketKeys>(now);
  ServerListener one{"one", "", {ca.issue({"a.test", "b.test"})}};
};

TEST_F(Sessions, ResumeInBothVersions) {
  const auto server = make({{one}});
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto peer = client();
    EXPECT_FALSE(resumes(*server, *peer, version));
    EXPECT_TRUE(resumes(*server, *peer, version)) << version;
    EXPECT_TRUE(resumes(*server, *peer, version)) << version;
  }
}

TEST_F(Sessions, ResumeAcrossReloadsAndTwoKeyRotationsButNotThree) {
  const auto server = make({{one}});
  const auto peer = client(), late = client();
  EXPECT_FALSE(resumes(*server, *peer));
  EXPECT_FALSE(resumes(*server, *late));
  SslPtr untouched = late->connect();  // holds the session of before the rotations
  EXPECT_FALSE(keys->rotate(now)) << "nothing changes within a period";
  EXPECT_TRUE(keys->rotate(now + TicketKeys::kRotation));
  EXPECT_TRUE(keys->rotate(now + 2 * TicketKeys::kRotation));
  const auto reloaded = make({{one}}, server.get());
  EXPECT_TRUE(resumes(*reloaded, *peer));
  EXPECT_TRUE(keys->rotate(now + 3 * TicketKeys::kRotation));
  EXPECT_TRUE(resumes(*reloaded, *peer)) << "an old ticket was replaced by a new one";
  const Handshake h = shake_hands(reloaded->accept(), std::move(untouched));
  ASSERT_TRUE(h.done);
  EXPECT_FALSE(handshake_facts(h.server.ssl()).resumed);
}

TEST_F(Sessions, NeverResumeAtAnotherListener) {
  ServerListener b = one;
  b.name = "two";
  b.hostname = "b.test";
  const auto server = make({{one, b}});
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto peer = client();
    EXPECT_FALSE(resumes(*server, *peer, version));
    SslPtr ssl = peer->connect();  // carries the session of listener one
    SSL_set_max_proto_version(ssl.get(), version);
    SSL_set_tlsext_host_name(ssl.get(), "b.test");
    const Handshake h = shake_hands(server->accept(), std::move(ssl));
    EXPECT_EQ(listener_index(h.server.ssl()), 1u);
    EXPECT_FALSE(handshake_facts(h.server.ssl()).resumed) << version;
  }
}

TEST_F(Sessions, NeverResumeUnderAnotherClientAuthority) {
  const TestAuthority first("first"), second("second");
  const CertificateSource own = first.issue({"robot"}, {.use = CertificateUse::kClient});
  ServerListener open = one, closed = one;
  open.client = {first.pem(), true};
  closed.client = {second.pem(), true};
  const auto peer = client(own);
  EXPECT_FALSE(resumes(*make({{open}}), *peer));
  EXPECT_TRUE(resumes(*make({{open}}), *peer));
  const Handshake h = shake_hands(make({{closed}})->accept(), peer->connect());
  EXPECT_FALSE(h.done);
  EXPECT_FALSE(h.server_error.empty());
}

TEST_F(Sessions, ARequiredClientCertificateIsDemandedOnlyWhereItIsConfigured) {
  const TestAuthority people("people");
  ServerListener guarded{"guarded", "b.test", {ca.issue({"b.test"})}};
  guarded.client = {people.pem(), true};
  const auto server = make({{one, guarded}});
  const auto robot = client(people.issue({"robot"}, {.use = CertificateUse::kClient}));
  const auto nobody = client();
  EXPECT_TRUE(shake_hands(server->accept(), nobody->connect("a.test")).done);
  EXPECT_FALSE(shake_hands(server->accept(), nobody->connect("b.test")).done);
  const Handshake h = shake_hands(server->accept(), robot->connect("b.test"));
  ASSERT_TRUE(h.done) << h.server_error;
  const auto identity = client_identity(h.server.ssl());
  ASSERT_TRUE(identity);
  EXPECT_TRUE(identity->verified);
  EXPECT_EQ(identity->subject, "CN=robot");
  EXPECT_EQ(identity->sha256.size(), 64u);
  EXPECT_FALSE(
      client_identity(shake_hands(server->accept(), robot->connect("a.test")).server.ssl()));
}

TEST_F(Sessions, OptionalValidationLetsEveryoneInAndTellsWhoIsVerified) {
  const TestAuthority people("people"), strangers("strangers");
  ServerListener lenient = one;
  lenient.client = {people.pem(), false};
  const auto server = make({{lenient}});
  EXPECT_FALSE(client_identity(shake_hands(server->accept(), client()->connect()).server.ssl()));
  const auto stranger = client(strangers.issue({"robot"}, {.use = CertificateUse::kClient}));
  for (const bool resumed : {false, true}) {
    const Handshake h = shake_hands(server->accept(), stranger->connect());
    ASSERT_TRUE(h.done) << h.server_error;
    EXPECT_EQ(handshake_facts(h.server.ssl()).resumed, resumed);
    const auto identity = client_identity(h.server.ssl());
    ASSERT_TRUE(identity);
    EXPECT_FALSE(identity->verified);
    EXPECT_FALSE(identity->problem.empty());
  }
}

TEST_F(Sessions, SeededKeysAreEqualInEveryProcessThatKnowsTheSeed) {
  const std::string secret(32, 's');
  const auto here = TicketKeys::from_seed(secret, now).value();
  const auto there = TicketKeys::from_seed(secret, now + TicketKeys::kRotation).value();
  EXPECT_TRUE(there->find(here->sealing_key().name.data()))
      << "a peer that rotated already opens our tickets";
  EXPECT_NE(here->sealing_key().name, there->sealing_key().name);
  EXPECT_TRUE(here->rotate(now + TicketKeys::kRotation));
  EXPECT_EQ(here->sealing_key().name, there->sealing_key().name);
  EXPECT_EQ(here->sealing_key().cipher, there->sealing_key().cipher);
  EXPECT_NE(TicketKeys::from_seed(std::string(32, 't'), now).value()->sealing_key().cipher,
            TicketKeys::from_seed(secret, now).value()->sealing_key().cipher);
  EXPECT_FALSE(TicketKeys::from_seed("short", now));
}

TEST_F(Sessions, AClockThatStepsBackKeepsRandomKeys) {
  const auto before = keys->sealing_key().name;
  EXPECT_FALSE(keys->rotate(now - 100 * TicketKeys::kRotation));
  EXPECT_EQ(keys->sealing_key().name, before);
}

TEST_F(Sessions, TheClientRefusesAWrongNameAndSaysWhy) {
  const auto server = make({{one}});
  const auto peer = client();
  Handshake h = shake_hands(server->accept(), peer->connect("c.test"));
  EXPECT_FALSE(h.done);
  EXPECT_EQ(client_handshake_error(h.client.ssl(), h.client_error),
            "certificate of 'c.test': hostname mismatch");
  const auto pinned =
      ClientContext::make(
          {.server_name = "c.test", .subject_alt_names = {"x.test", "b.test"}, .ca_pem = ca.pem()})
          .value();
  EXPECT_TRUE(shake_hands(server->accept(), pinned->connect()).done) << "any of the names will do";
  const auto stranger =
      ClientContext::make({.server_name = "a.test", .ca_pem = TestAuthority("other").pem()})
          .value();
  EXPECT_FALSE(shake_hands(server->accept(), stranger->connect()).done);
}

}  // namespace
}  // namespace headgate::io::tls
