#include "roles/proxy/endpoint_resolver.h"

#include <gtest/gtest.h>

#include "io/clock.h"
#include "roles/proxy/testing/name_server.h"

namespace headgate::proxy {
namespace {

using testing::NameServer;

TEST(LiteralAddress, TellsLiteralsFromNames) {
  const auto text = [](std::string address) {
    model::EndpointSpec spec;
    spec.address = std::move(address);
    spec.port = 80;
    const auto literal = literal_address(spec);
    return literal ? io::to_string(*literal) : "name";
  };
  EXPECT_EQ(text("10.0.0.1"), "10.0.0.1:80");
  EXPECT_EQ(text("2001:db8::1"), "[2001:db8::1]:80");
  EXPECT_EQ(literal_address({.address = "unix:/run/app.sock"})->unix_path, "/run/app.sock");
  EXPECT_EQ(literal_address({.address = "unix:@abstract"})->unix_path, "@abstract");
  EXPECT_EQ(text("cart.test"), "name");
  EXPECT_EQ(text("10.0.0"), "name");
}

TEST(InOrder, PutsIpv4FirstAndCutsAtTheLimit) {
  std::vector<wire::ip::IpAddress> answer{*wire::ip::parse_ip("::2"), wire::ip::ipv4(10, 0, 0, 9),
                                          wire::ip::ipv4(9, 0, 0, 1), *wire::ip::parse_ip("::1")};
  const auto texts = [&](std::size_t max) {
    std::string all;
    for (const auto& address : in_order(answer, max)) all += wire::ip::to_string(address) + ' ';
    return all;
  };
  EXPECT_EQ(texts(512), "9.0.0.1 10.0.0.9 ::1 ::2 ");
  EXPECT_EQ(texts(3), "9.0.0.1 10.0.0.9 ::1 ");
}

TEST(Refresh, FollowsTheTtlWithinBoundsAndJitter) {
  model::Upstream upstream;
  upstream.dns_ttl_min = 5s;
  upstream.dns_ttl_max = 60s;
  Prng prng{7};
  const std::pair<Duration, Duration> table[] = {
      {0s, 5s}, {5s, 5s}, {30s, 30s}, {60s, 60s}, {24h, 60s}};
  for (const auto& [ttl, pause] : table) {
    Duration least = Duration::max(), most{};
    for (int i = 0; i < 200; ++i) {
      const Duration after = refresh_after(ttl, upstream, prng);
      least = std::min(least, after);
      most = std::max(most, after);
    }
    EXPECT_GE(least, pause);
    EXPECT_LE(most, pause + pause / 10);
    EXPECT_GT(most - least, pause / 20) << "spread out";
  }
}

TEST(Refresh, RetriesWithGrowingPauses) {
  model::Upstream upstream;
  upstream.dns_ttl_min = 1s;
  upstream.dns_ttl_max = 300s;
  Prng prng{7};
  const Duration pauses[] = {1s, 2s, 4s, 8s, 16s, 30s, 30s};
  for (std::uint32_t failures = 1; failures <= 7; ++failures) {
    const Duration pause = pauses[failures - 1], after = retry_after(failures, upstream, prng);
    EXPECT_GE(after, pause) << failures;
    EXPECT_LE(after, pause + pause / 10) << failures;
  }
  EXPECT_LE(retry_after(UINT32_MAX, upstream, prng), 33s);
  upstream.dns_ttl_max = 2s;
  EXPECT_LE(retry_after(6, upstream, prng), 2200ms);
  upstream.dns_ttl_min = 10s;
  EXPECT_GE(retry_after(1, upstream, prng), 10s) << "the floor wins";
}

class Watching : public ::testing::Test {
 protected:
  Watching() {
    definition->name = "shop/cart";
    definition->dns_ttl_min = definition->dns_ttl_max = 3ms;
  }
  ~Watching() override { resolver.reset(); }

  void add(const std::string& address, std::uint16_t port = 80) {
    definition->endpoints.emplace_back();
    definition->endpoints.back().address = address;
    definition->endpoints.back().port = port;
  }
  void begin() {
    resolver =
        std::make_unique<EndpointResolver>(EndpointResolver::Context{loop, names, prng, stats},
                                           definition, nullptr, [this] { ++changes; });
  }
  std::string texts() const {
    std::string all;
    for (const auto& address : resolver->addresses())
      all += (all.empty() ? "" : " ") + io::to_string(address.address);
    return all;
  }
  template <typename Condition>
  bool turn_until(Condition condition) {
    for (const Instant end = io::monotonic_now() + 10s; !condition() && io::monotonic_now() < end;)
      loop.turn(10ms);
    return condition();
  }
  bool turn_until_text(const std::string& wanted) {
    return turn_until([&] { return texts() == wanted; });
  }
  bool turn_questions(int more) {
    const int until = server.questions + more;
    return turn_until([&] { return server.questions >= until; });
  }

  io::Loop loop;
  NameServer server{loop};
  NameService names{loop, {server.address()}};
  Prng prng{1};
  KeeperStats stats;
  int changes = 0;
  std::shared_ptr<model::Upstream> definition = std::make_shared<model::Upstream>();
  std::unique_ptr<EndpointResolver> resolver;
};

TEST_F(Watching, LiteralsAreThereAtOnceAndNeedNoAnswer) {
  add("10.0.0.1");
  add("unix:/run/app.sock");
  begin();
  EXPECT_EQ(resolver->addresses().size(), 2u);
  EXPECT_TRUE(resolver->settled());
}

TEST_F(Watching, JoinsNamesAndLiteralsInTheOrderOfTheDefinition) {
  server.names = {{"b.test", {3, 2}}, {"a.test", {9}}};
  add("b.test");
  add("10.0.0.1", 81);
  add("a.test", 82);
  begin();
  EXPECT_EQ(texts(), "10.0.0.1:81");
  EXPECT_FALSE(resolver->settled());
  EXPECT_TRUE(turn_until_text("127.0.0.2:80 127.0.0.3:80 10.0.0.1:81 127.0.0.9:82")) << texts();
  EXPECT_TRUE(resolver->settled());
  EXPECT_TRUE(resolver->addresses()[0].by_name);
  EXPECT_FALSE(resolver->addresses()[2].by_name);
}

TEST_F(Watching, FollowsChangesAndTellsOnlyThose) {
  server.names["a.test"] = {1, 2};
  add("a.test");
  begin();
  ASSERT_TRUE(turn_until_text("127.0.0.1:80 127.0.0.2:80"));
  server.names["a.test"] = {2, 1};
  ASSERT_TRUE(turn_questions(5));
  EXPECT_EQ(changes, 1) << "another order is no change";
  server.names["a.test"] = {2, 5};
  ASSERT_TRUE(turn_until_text("127.0.0.2:80 127.0.0.5:80"));
  EXPECT_EQ(changes, 2);
}

class KeepingTheLastGood : public Watching,
                           public ::testing::WithParamInterface<NameServer::Mood> {};
TEST_P(KeepingTheLastGood, NoFailureTakesAnAddressAway) {
  server.names["a.test"] = {1};
  add("a.test");
  begin();
  ASSERT_TRUE(turn_until_text("127.0.0.1:80"));
  server.mood = GetParam();
  ASSERT_TRUE(turn_until([&] { return stats.lookup_failures.value() >= 2; }));
  EXPECT_EQ(texts(), "127.0.0.1:80");
  EXPECT_NE(resolver->report().at(0).problem, "");
  server.mood = NameServer::Mood::kAnswers;
  server.names["a.test"] = {7};
  EXPECT_TRUE(turn_until_text("127.0.0.7:80"));
  EXPECT_EQ(resolver->report()[0].problem, "");
}
INSTANTIATE_TEST_SUITE_P(Moods, KeepingTheLastGood,
                         ::testing::Values(NameServer::Mood::kServfail, NameServer::Mood::kNxdomain,
                                           NameServer::Mood::kEmpty));

class BothFamilies : public Watching {
 protected:
  BothFamilies() {
    server.names["a.test"] = {1};
    server.ipv6_names["a.test"] = {6};
    add("a.test");
    begin();
    EXPECT_TRUE(turn_until_text("127.0.0.1:80 [fd00::6]:80")) << texts();
  }
};

TEST_F(BothFamilies, AFailingFamilyKeepsItsAddressesWhileTheOtherOneChanges) {
  server.ipv6_mood = NameServer::Mood::kServfail;
  server.names["a.test"] = {2};
  ASSERT_TRUE(turn_until_text("127.0.0.2:80 [fd00::6]:80")) << texts();
  EXPECT_NE(resolver->report().at(0).problem.find("AAAA"), std::string::npos);
  EXPECT_GE(stats.lookup_failures.value(), 1u);
  ASSERT_TRUE(turn_questions(3));
  EXPECT_EQ(texts(), "127.0.0.2:80 [fd00::6]:80");
  server.ipv6_mood = NameServer::Mood::kAnswers;
  server.ipv6_names["a.test"] = {7};
  EXPECT_TRUE(turn_until_text("127.0.0.2:80 [fd00::7]:80")) << texts();
  EXPECT_EQ(resolver->report()[0].problem, "");
}

TEST_F(BothFamilies, AFailingIpv4KeepsItsAddressesToo) {
  server.ipv4_mood = NameServer::Mood::kServfail;
  server.ipv6_names["a.test"] = {8};
  EXPECT_TRUE(turn_until_text("127.0.0.1:80 [fd00::8]:80")) << texts();
}

class OneFamilyEmpty : public BothFamilies,
                       public ::testing::WithParamInterface<NameServer::Mood> {};

TEST_P(OneFamilyEmpty, AnAnswerWithoutAddressesEmptiesItsFamily) {
  server.ipv6_mood = GetParam();
  EXPECT_TRUE(turn_until_text("127.0.0.1:80")) << texts();
  EXPECT_EQ(resolver->report().at(0).problem, "");
}

TEST_P(OneFamilyEmpty, TheLastAddressesStayWhenOneFamilyFailsAndTheOtherHasNone) {
  server.names["a.test"] = {};
  server.ipv6_mood = NameServer::Mood::kServfail;
  ASSERT_TRUE(turn_until_text("[fd00::6]:80")) << "an empty answer of A counts beside a failing AAAA";
  server.mood = GetParam();
  ASSERT_TRUE(turn_until([&, failed = stats.lookup_failures.value()] {
    return stats.lookup_failures.value() >= failed + 2;
  }));
  EXPECT_EQ(texts(), "[fd00::6]:80");
}
INSTANTIATE_TEST_SUITE_P(Moods, OneFamilyEmpty,
                         ::testing::Values(NameServer::Mood::kNxdomain, NameServer::Mood::kEmpty));

TEST_F(Watching, AFirstFailureSettlesAndIsTriedAgain) {
  add("late.test");
  begin();
  ASSERT_TRUE(turn_until([&] { return resolver->settled(); }));
  EXPECT_EQ(texts(), "");
  EXPECT_EQ(changes, 0);
  server.names["late.test"] = {4};
  EXPECT_TRUE(turn_until_text("127.0.0.4:80"));
}

TEST_F(Watching, ASilentServerNeitherSettlesNorBlocks) {
  server.mood = NameServer::Mood::kSilent;
  add("slow.test");
  begin();
  ASSERT_TRUE(turn_questions(1));
  EXPECT_FALSE(resolver->settled());
  resolver.reset();  // with a look-up under way
  loop.turn(Duration::zero());
}

TEST_F(Watching, AsksOnceForANameThatSeveralEndpointsShare) {
  server.names["a.test"] = {1};
  definition->dns_ttl_min = definition->dns_ttl_max = 1h;
  add("a.test", 80);
  add("a.test", 81);
  begin();
  ASSERT_TRUE(turn_until_text("127.0.0.1:80 127.0.0.1:81"));
  EXPECT_EQ(server.questions, 1);
}

TEST_F(Watching, KnowsBothFamilies) {
  add("localhost");
  begin();
  EXPECT_TRUE(turn_until_text("127.0.0.1:80 [::1]:80")) << texts();
}

TEST_F(Watching, UnusableServersAreAFailureWithAReason) {
  NameService broken(loop, {"not a server"});
  add("a.test");
  EndpointResolver other({loop, broken, prng, stats}, definition, nullptr, [] {});
  ASSERT_TRUE(turn_until([&] { return other.settled(); }));
  EXPECT_NE(other.report().at(0).problem.find("not a server"), std::string::npos)
      << other.report()[0].problem;
}

TEST_F(Watching, WhatAnEarlierDefinitionKnewHoldsUntilTheFirstAnswer) {
  server.names["a.test"] = {1};
  add("a.test");
  begin();
  ASSERT_TRUE(turn_until_text("127.0.0.1:80"));
  auto next = std::make_shared<model::Upstream>(*definition);
  next->endpoints[0].port = 81;
  EndpointResolver other({loop, names, prng, stats}, next, resolver.get(), [] {});
  EXPECT_TRUE(other.settled());
  ASSERT_EQ(other.addresses().size(), 1u);
  EXPECT_EQ(io::to_string(other.addresses()[0].address), "127.0.0.1:81");
}

}  // namespace
}  // namespace headgate::proxy
