#include "app/local_certificates.h"

#include <gtest/gtest.h>

#include "io/clock.h"
#include "io/test_directory.h"
#include "io/tls/pem.h"

namespace headgate::app {
namespace {

model::Listener listener_of(std::string hostname, std::vector<std::string> hosts) {
  model::Listener listener;
  listener.name = "Gateway default/edge/https";
  listener.hostname = std::move(hostname);
  listener.tls.issue_locally = true;
  for (std::string& host : hosts) {
    if (host.starts_with("*"))
      listener.routes.wildcard_hosts[host.substr(1)];
    else
      listener.routes.exact_hosts[host];
  }
  return listener;
}

std::shared_ptr<model::Snapshot> snapshot_of(model::Listener listener) {
  auto snapshot = std::make_shared<model::Snapshot>();
  snapshot->ports.emplace_back().listeners.push_back(std::move(listener));
  return snapshot;
}

TEST(LocalCertificates, NameTheListenerAndTheHostsOfItsRoutes) {
  EXPECT_EQ(names_of(listener_of("*.localhost", {"shop.localhost", "*.a.localhost"}), ""),
            (std::vector<std::string>{"*.a.localhost", "*.localhost", "shop.localhost"}));
  EXPECT_EQ(names_of(listener_of("", {}), "127.0.0.2"),
            (std::vector<std::string>{"127.0.0.1", "127.0.0.2", "::1", "localhost"}));
}

TEST(LocalCertificates, WithTooManyHostsKeepTheListenersOwnAndTheExactOnes) {
  std::vector<std::string> hosts = {"*.a.test"};
  for (int i = 0; i < 150; ++i) hosts.push_back("h" + std::to_string(1000 + i) + ".test");
  const auto names = names_of(listener_of("z.test", hosts), "");
  ASSERT_EQ(names.size(), 100U);
  EXPECT_EQ(names.front(), "h1000.test");
  EXPECT_EQ(names.back(), "z.test");
}

TEST(LocalCertificates, AreMadeForListenersThatAskAndKeptForTheNextReading) {
  const io::TestDirectory state;
  const WallTime now = io::wall_now();
  const auto read = [&](model::Listener listener) {
    auto made = with_local_certificates(snapshot_of(std::move(listener)), state.path, now);
    EXPECT_TRUE(made) << made.error().message;
    return (*made)->ports[0].listeners[0].tls.certificates;
  };
  const auto first = read(listener_of("shop.localhost", {}));
  ASSERT_EQ(first.size(), 1U);
  const auto chain = io::tls::parse_certificates(first[0].chain_pem, "test").value();
  EXPECT_EQ(io::tls::dns_names(chain[0].get()), std::vector<std::string>{"shop.localhost"});
  EXPECT_EQ(read(listener_of("shop.localhost", {}))[0].fingerprint, first[0].fingerprint);
  EXPECT_NE(read(listener_of("other.localhost", {}))[0].fingerprint, first[0].fingerprint);
}

TEST(LocalCertificates, LeaveASnapshotAloneThatAsksForNone) {
  const io::TestDirectory state;
  const auto snapshot = snapshot_of(model::Listener{});
  EXPECT_EQ(with_local_certificates(snapshot, state.path, io::wall_now()).value(), snapshot);
}

}  // namespace
}  // namespace headgate::app
