#include "io/tls/server_context.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "io/tls/client_context.h"
#include "io/tls/handshake_facts.h"
#include "io/tls/pem.h"
#include "io/tls/test_peers.h"

namespace headgate::io::tls {
namespace {

class Server : public ::testing::Test {
 protected:
  std::shared_ptr<ServerContext> make(const ServerConfig& config,
                                      const ServerContext* previous = nullptr) {
    auto made = ServerContext::make(config, keys, wall_now(), previous);
    EXPECT_TRUE(made) << made.error().message;
    return made ? *made : nullptr;
  }
  ServerListener listener(std::string name, std::string hostname, std::vector<std::string> names) {
    return {std::move(name), std::move(hostname), {ca.issue(std::move(names))}, Policy::kPci, {},
            Alpn::kHttp2};
  }
  std::shared_ptr<ClientContext> client(ClientConfig config) {
    if (config.ca_pem.empty()) config.ca_pem = ca.pem();
    auto made = ClientContext::make(config);
    EXPECT_TRUE(made) << made.error().message;
    return *made;
  }
  Handshake visit(const ServerContext& server, const std::string& name, bool offer_h2 = true) {
    return shake_hands(server.accept(),
                       client({.server_name = name, .offer_h2 = offer_h2})->connect());
  }
  static std::string served_subject(const Handshake& h) {
    return subject_of(SSL_get0_peer_certificate(h.client.ssl()));
  }

  TestAuthority ca;
  std::shared_ptr<TicketKeys> keys = std::make_shared<TicketKeys>(wall_now());
};

TEST_F(Server, PicksTheMostSpecificListenerBySni) {
  const auto server = make({{listener("any", "", {"fallback.test"}),
                             listener("wild", "*.example.com", {"*.example.com"}),
                             listener("deep", "*.api.example.com", {"*.api.example.com"}),
                             listener("exact", "www.example.com", {"www.example.com"})}});
  const std::pair<const char*, std::uint32_t> expected[] = {{"fallback.test", 0},
                                                            {"shop.example.com", 1},
                                                            {"v1.api.example.com", 2},
                                                            {"www.example.com", 3}};
  for (const auto& [name, index] : expected) {
    const Handshake h = visit(*server, name);
    ASSERT_TRUE(h.done) << name << ": " << h.client_error;
    EXPECT_EQ(listener_index(h.server.ssl()), index) << name;
    EXPECT_EQ(handshake_facts(h.server.ssl()).server_name, name);
    EXPECT_EQ(handshake_facts(h.server.ssl()).version, "TLSv1.3");
  }
}

TEST_F(Server, AnSniWithoutAListenerIsRefusedUnlessTheDefaultIsAskedFor) {
  ServerConfig config{{listener("one", "www.example.com", {"www.example.com", "other.test"})}};
  const Handshake refused = visit(*make(config), "other.test");
  EXPECT_FALSE(refused.done);
  EXPECT_NE(refused.client_error.find("unrecognized name"), std::string::npos)
      << refused.client_error;
  config.unknown_name_gets_default = true;
  EXPECT_TRUE(visit(*make(config), "other.test").done);
}

TEST_F(Server, WithoutSniTheListenerForAnyNameAnswersElseTheFirst) {
  const auto visit_by_address = [&](const ServerContext& server) {
    return shake_hands(server.accept(), client({.server_name = "127.0.0.1"})->connect());
  };
  const auto first = make({{listener("one", "a.test", {"a.test", "127.0.0.1"}),
                            listener("two", "b.test", {"b.test"})}});
  const Handshake h = visit_by_address(*first);
  ASSERT_TRUE(h.done) << h.client_error;
  EXPECT_EQ(listener_index(h.server.ssl()), 0u);
  const auto any =
      make({{listener("one", "a.test", {"a.test"}), listener("two", "", {"b.test", "127.0.0.1"})}});
  const Handshake g = visit_by_address(*any);
  ASSERT_TRUE(g.done) << g.client_error;
  EXPECT_EQ(listener_index(g.server.ssl()), 1u);
}

TEST_F(Server, EcdsaAndRsaStandSideBySide) {
  ServerListener both = listener("both", "", {"a.test"});
  both.certificates.push_back(ca.issue({"a.test"}, {.type = KeyType::kRsa2048}));
  const auto server = make({{both}});
  const auto key_type = [](const Handshake& h) {
    return EVP_PKEY_get_base_id(X509_get0_pubkey(SSL_get0_peer_certificate(h.client.ssl())));
  };
  const Handshake any = visit(*server, "a.test");
  ASSERT_TRUE(any.done) << any.client_error;
  EXPECT_EQ(key_type(any), EVP_PKEY_EC);
  const auto peer = client({.server_name = "a.test"});
  SslPtr rsa_only = peer->connect();
  SSL_set1_sigalgs_list(rsa_only.get(), "RSA-PSS+SHA256");
  // The chain itself is signed with ECDSA, which this client does not list, so it cannot verify;
  // what counts is the choice.
  SSL_set_verify(rsa_only.get(), SSL_VERIFY_NONE, nullptr);
  const Handshake rsa = shake_hands(server->accept(), std::move(rsa_only));
  ASSERT_TRUE(rsa.done) << rsa.client_error << rsa.server_error;
  EXPECT_EQ(key_type(rsa), EVP_PKEY_RSA);
}

TEST_F(Server, AListenerWithSeveralCertificatesServesTheOneForTheName) {
  ServerListener many = listener("many", "", {"a.test"});
  many.certificates.push_back(ca.issue({"b.test", "*.b.test"}));
  many.certificates.push_back(ca.issue({"x.b.test"}));
  const auto server = make({{many}});
  for (const auto& [name, subject] :
       std::vector<std::pair<std::string, std::string>>{{"a.test", "CN=a.test"},
                                                        {"b.test", "CN=b.test"},
                                                        {"y.b.test", "CN=b.test"},
                                                        {"x.b.test", "CN=x.b.test"}}) {
    const Handshake h = visit(*server, name);
    ASSERT_TRUE(h.done) << name << ": " << h.client_error;
    EXPECT_EQ(served_subject(h), subject);
  }
}

TEST_F(Server, NegotiatesHttp2WhereTheListenerOffersIt) {
  ServerListener plain = listener("plain", "plain.test", {"plain.test"});
  plain.alpn = Alpn::kHttp1;
  ServerListener none = listener("none", "none.test", {"none.test"});
  none.alpn = Alpn::kNone;
  const auto server = make({{listener("h2", "h2.test", {"h2.test"}), plain, none}});
  EXPECT_TRUE(negotiated_h2(visit(*server, "h2.test").server.ssl()));
  EXPECT_EQ(handshake_facts(visit(*server, "h2.test", false).server.ssl()).protocol, "http/1.1");
  EXPECT_EQ(handshake_facts(visit(*server, "plain.test").server.ssl()).protocol, "http/1.1");
  const Handshake without = visit(*server, "none.test");
  EXPECT_TRUE(without.done);
  EXPECT_EQ(handshake_facts(without.server.ssl()).protocol, "");
}

TEST_F(Server, AClientThatOffersNoCommonProtocolGetsAnAlert) {
  const auto server = make({{listener("h2", "", {"a.test"})}});
  SslPtr ssl = client({.server_name = "a.test"})->connect();
  constexpr unsigned char kFtp[] =
      "\x03"
      "ftp";
  SSL_set_alpn_protos(ssl.get(), kFtp, sizeof kFtp - 1);
  const Handshake h = shake_hands(server->accept(), std::move(ssl));
  EXPECT_FALSE(h.done);
  EXPECT_NE(h.client_error.find("no application protocol"), std::string::npos) << h.client_error;
}

TEST_F(Server, TheModernPolicyRefusesTls12OnItsListenerAlone) {
  ServerListener modern = listener("modern", "modern.test", {"modern.test"});
  modern.policy = Policy::kModern;
  const auto server = make({{listener("pci", "pci.test", {"pci.test"}), modern}});
  const auto visit12 = [&](const std::string& name) {
    SslPtr ssl = client({.server_name = name})->connect();
    SSL_set_max_proto_version(ssl.get(), TLS1_2_VERSION);
    return shake_hands(server->accept(), std::move(ssl));
  };
  const Handshake pci = visit12("pci.test");
  ASSERT_TRUE(pci.done) << pci.client_error;
  EXPECT_EQ(handshake_facts(pci.server.ssl()).version, "TLSv1.2");
  EXPECT_EQ(handshake_facts(pci.server.ssl()).cipher, "ECDHE-ECDSA-AES128-GCM-SHA256");
  EXPECT_FALSE(visit12("modern.test").done);
  EXPECT_TRUE(visit(*server, "modern.test").done);
}

TEST_F(Server, ConnectionsKeepTheContextTheyBeganWith) {
  auto server = make({{listener("one", "", {"a.test"})}});
  SslPtr accepted = server->accept();
  server.reset();
  const Handshake h =
      shake_hands(std::move(accepted), client({.server_name = "a.test"})->connect());
  EXPECT_TRUE(h.done) << h.client_error;
}

TEST_F(Server, AListenerWithoutCertificateOrWithATwinIsRefusedByName) {
  auto bare = ServerContext::make({{{"Gateway a/b/https", "", {}}}}, keys, wall_now());
  ASSERT_FALSE(bare);
  EXPECT_EQ(bare.error().message, "Gateway a/b/https: has no certificate");
  auto twins = ServerContext::make(
      {{listener("one", "a.test", {"a.test"}), listener("two", "A.test", {"a.test"})}}, keys,
      wall_now());
  ASSERT_FALSE(twins);
  EXPECT_EQ(twins.error().message, "two: host name 'A.test' is there twice");
}

TEST_F(Server, CertificateErrorsNameTheCertificateAndWhatIsWrong) {
  const auto message_for = [&](CertificateSource source) {
    auto made = ServerContext::make({{{"one", "", {std::move(source)}}}}, keys, wall_now());
    return made ? std::string() : made.error().message;
  };
  CertificateSource mixed = ca.issue({"a.test"});
  mixed.key_pem = ca.issue({"a.test"}).key_pem;
  EXPECT_EQ(message_for(mixed),
            "Secret test/a.test: the private key does not belong to the first certificate of the "
            "chain ('CN=a.test')");
  CertificateSource broken = ca.issue({"a.test"});
  broken.chain_pem += "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
  EXPECT_TRUE(message_for(broken).starts_with(
      "Secret test/a.test: certificate chain: certificate 2 does not parse: "))
      << message_for(broken);
  CertificateSource no_key = ca.issue({"a.test"});
  no_key.key_pem = no_key.chain_pem;
  EXPECT_EQ(message_for(no_key),
            "Secret test/a.test: private key: holds no PEM block 'PRIVATE KEY'");
  EXPECT_EQ(message_for({"Secret test/none", "", ""}),
            "Secret test/none: certificate chain: is empty");
}

TEST_F(Server, AnExpiredCertificateIsAWarning) {
  ServerListener late{"one", "", {ca.issue({"a.test"}, {.life = 30min})}};
  const auto server = make({{late}});
  ASSERT_EQ(server->warnings().size(), 1u);
  EXPECT_EQ(server->warnings()[0], "Secret test/a.test: the certificate has expired");
  EXPECT_EQ(make({{late}}, server.get())->warnings(), server->warnings());
}

}  // namespace
}  // namespace headgate::io::tls
