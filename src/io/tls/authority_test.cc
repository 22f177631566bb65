#include "io/tls/authority.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "io/file.h"
#include "io/test_directory.h"
#include "io/tls/client_context.h"
#include "io/tls/server_context.h"
#include "io/tls/test_peers.h"

namespace headgate::io::tls {
namespace {

mode_t mode_of(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777;
}

TEST(Authority, IsMadeOnceAndLoadedAfterwards) {
  const TestDirectory directory;
  const WallTime now = wall_now();
  const std::string made = Authority::open(directory / "pki", now).value()->certificate_pem();
  EXPECT_EQ(Authority::open(directory / "pki", now).value()->certificate_pem(), made);
  EXPECT_EQ(mode_of(directory / "pki/ca.crt"), 0644u);
  EXPECT_EQ(mode_of(directory / "pki/ca.key"), 0600u);
}

TEST(Authority, AHalfOrAMixedPairIsRefusedRatherThanReplaced) {
  const TestDirectory directory;
  const WallTime now = wall_now();
  ASSERT_TRUE(Authority::open(directory / "a", now));
  ASSERT_TRUE(Authority::open(directory / "b", now));
  ASSERT_TRUE(write_file_atomically(directory / "a/ca.key",
                                    read_file(directory / "b/ca.key", 65536).value(), 0600));
  EXPECT_EQ(Authority::open(directory / "a", now).error().message,
            directory / "a/ca.key does not belong to " + directory.path + "/a/ca.crt");
  ASSERT_EQ(::unlink((directory / "b/ca.key").c_str()), 0);
  EXPECT_EQ(Authority::open(directory / "b", now).error().code, Code::kNotFound);
}

TEST(Authority, WhatItIssuesServesNamesAndAddresses) {
  const TestDirectory directory;
  const auto authority = Authority::open(directory.path, wall_now()).value();
  auto issued =
      authority->issue("local", {"shop.test", "*.shop.test", "127.0.0.1", "::1"}, wall_now());
  ASSERT_TRUE(issued) << issued.error().message;
  const auto server = ServerContext::make({{{"one", "", {*issued}}}},
                                          std::make_shared<TicketKeys>(wall_now()), wall_now());
  ASSERT_TRUE(server) << server.error().message;
  EXPECT_TRUE((*server)->warnings().empty());
  for (const char* name : {"shop.test", "www.shop.test", "127.0.0.1", "::1"}) {
    const auto client =
        ClientContext::make({.server_name = name, .ca_pem = authority->certificate_pem()}).value();
    const Handshake h = shake_hands((*server)->accept(), client->connect());
    EXPECT_TRUE(h.done) << name << ": " << client_handshake_error(h.client.ssl(), h.client_error);
  }
  const auto other =
      ClientContext::make({.server_name = "other.test", .ca_pem = authority->certificate_pem()})
          .value();
  EXPECT_FALSE(shake_hands((*server)->accept(), other->connect()).done);
}

TEST(Authority, AKeptCertificateIsReissuedWhenAThirdOfItsLifeIsLeftOrItsNamesChange) {
  const TestDirectory directory;
  const WallTime now = wall_now();
  const auto authority = Authority::open(directory.path, now).value();
  const std::string first = authority->issue_kept("edge", {"a.test"}, now).value().chain_pem;
  EXPECT_EQ(authority->issue_kept("edge", {"a.test"}, now + 24h * 59).value().chain_pem, first);
  EXPECT_FALSE(is_due(first, now + 24h * 59));
  EXPECT_TRUE(is_due(first, now + 24h * 61));
  const std::string second =
      authority->issue_kept("edge", {"a.test"}, now + 24h * 61).value().chain_pem;
  EXPECT_NE(second, first);
  EXPECT_NE(authority->issue_kept("edge", {"a.test", "10.0.0.1"}, now + 24h * 61).value().chain_pem,
            second);
  EXPECT_EQ(mode_of(directory / "edge.key"), 0600u);
  EXPECT_FALSE(authority->issue_kept("../edge", {"a.test"}, now));
  EXPECT_FALSE(authority->issue_kept("ca", {"a.test"}, now));
}

}  // namespace
}  // namespace headgate::io::tls
