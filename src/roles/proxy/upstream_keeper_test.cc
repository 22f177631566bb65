#include "roles/proxy/upstream_keeper.h"

#include <gtest/gtest.h>

#include "io/clock.h"
#include "roles/proxy/testing/checked_server.h"
#include "roles/proxy/testing/name_server.h"

namespace headgate::proxy {
namespace {

using testing::CheckedServer;
using testing::NameServer;

class Keeping : public ::testing::Test {
 protected:
  using Definition = std::shared_ptr<model::Upstream>;
  static Definition define(std::uint64_t fingerprint, const std::vector<std::string>& addresses,
                           std::uint16_t port = 80) {
    auto made = std::make_shared<model::Upstream>();
    made->name = "shop/cart";
    made->fingerprint = fingerprint;
    made->dns_ttl_min = made->dns_ttl_max = 3ms;
    for (const auto& address : addresses) {
      made->endpoints.emplace_back();
      made->endpoints.back().address = address;
      made->endpoints.back().port = port;
    }
    return made;
  }
  static Definition with_check(Definition definition) {
    auto& check = definition->health_checks.emplace_back();
    check.interval = 5ms;
    check.healthy_threshold = check.unhealthy_threshold = 2;
    return definition;
  }
  static std::string names(const UpstreamState& state) {
    std::string all;
    for (const auto& endpoint : state.endpoints()->endpoints)
      all += (all.empty() ? "" : " ") + endpoint->name;
    return all;
  }
  static std::shared_ptr<Endpoint> endpoint(const UpstreamState& state, std::size_t index = 0) {
    return state.endpoints()->endpoints.at(index);
  }
  template <typename Condition>
  bool turn_until(Condition condition) {
    for (const Instant end = io::monotonic_now() + 10s; !condition() && io::monotonic_now() < end;)
      loop.turn(10ms);
    return condition();
  }

  io::Loop loop;
  NameServer server{loop};
  UpstreamKeeper keeper{loop, {{server.address()}, "berlin"}};
};

TEST_F(Keeping, PublishesLiteralsBeforeAdoptReturns) {
  const auto state = keeper.adopt(define(1, {"10.0.0.1", "unix:/run/app.sock", "2001:db8::1"}));
  EXPECT_EQ(names(*state), "10.0.0.1:80 unix:/run/app.sock [2001:db8::1]:80");
  EXPECT_EQ(endpoint(*state)->server_name, "");
  EXPECT_TRUE(endpoint(*state)->healthy);
  EXPECT_EQ(endpoint(*state)->since, Instant{}) << "where all are new none is slower";
  EXPECT_TRUE(keeper.settled());
}

TEST_F(Keeping, GivesTheSameStateForTheSameNameAndFingerprint) {
  const auto state = keeper.adopt(define(1, {"10.0.0.1"}));
  EXPECT_EQ(keeper.adopt(define(1, {"10.0.0.1"})), state);
  EXPECT_NE(keeper.adopt(define(2, {"10.0.0.1"})), state);
  auto other = define(1, {"10.0.0.1"});
  other->name = "shop/search";
  EXPECT_NE(keeper.adopt(other), state);
}

TEST_F(Keeping, AnAddressThatStaysKeepsItsEndpointOverAChange) {
  const auto before = keeper.adopt(define(1, {"10.0.0.1", "10.0.0.2"}));
  endpoint(*before, 1)->ejected_until_ns.store(77);
  auto changed = define(2, {"10.0.0.2", "10.0.0.3"});
  changed->connect_timeout = 1s;
  const auto after = keeper.adopt(changed);
  EXPECT_EQ(names(*after), "10.0.0.2:80 10.0.0.3:80");
  EXPECT_EQ(endpoint(*after), endpoint(*before, 1));
  EXPECT_EQ(endpoint(*after)->since, Instant{});
  EXPECT_NE(endpoint(*after, 1)->since, Instant{}) << "new beside one that is in use";
}

TEST_F(Keeping, AnotherWeightMakesAnotherEndpointWithTheSameHistory) {
  const auto before = keeper.adopt(define(1, {"10.0.0.1"}));
  endpoint(*before)->ejected_until_ns.store(77);
  endpoint(*before)->ejections.store(3);
  auto heavier = define(2, {"10.0.0.1"});
  heavier->endpoints[0].weight = 5;
  const auto after = keeper.adopt(heavier);
  EXPECT_NE(endpoint(*after), endpoint(*before)) << "workers may still use the old weight";
  EXPECT_EQ(endpoint(*before)->weight, 1u);
  EXPECT_EQ(endpoint(*after)->weight, 5u);
  EXPECT_EQ(endpoint(*after)->ejected_until_ns.load(), 77);
  EXPECT_EQ(endpoint(*after)->ejections.load(), 3u);
}

TEST_F(Keeping, OtherChecksDoNotShareVerdictsAndNoChecksMeanHealthy) {
  const auto checked = keeper.adopt(with_check(define(1, {"10.0.0.1"})));
  endpoint(*checked)->healthy.store(false);
  endpoint(*checked)->judged.store(true);
  auto same = with_check(define(2, {"10.0.0.1"}));
  same->idle_timeout = 9s;
  EXPECT_EQ(endpoint(*keeper.adopt(same)), endpoint(*checked));
  auto other = with_check(define(3, {"10.0.0.1"}));
  other->health_checks[0].path = "/other";
  const auto differently = endpoint(*keeper.adopt(other));
  EXPECT_NE(differently, endpoint(*checked));
  EXPECT_FALSE(differently->healthy) << "known as bad until its own first result";
  EXPECT_FALSE(differently->judged);
  EXPECT_TRUE(endpoint(*keeper.adopt(define(4, {"10.0.0.1"})))->healthy);
}

TEST_F(Keeping, ForgetsWhatIsNotRetained) {
  const auto first = keeper.adopt(define(1, {"10.0.0.1"}));
  const auto second = keeper.adopt(define(2, {"10.0.0.1"}));
  keeper.retain({second});
  EXPECT_EQ(keeper.adopt(define(2, {"10.0.0.1"})), second);
  EXPECT_NE(keeper.adopt(define(1, {"10.0.0.1"})), first);
  EXPECT_TRUE(keeper.report(*first).names.empty());
}

TEST_F(Keeping, ClosesLentConnectionsOfAForgottenUpstreamAlsoThoseThatComeLate) {
  CheckedServer origin(loop);
  const auto lend = [&](UpstreamState& state) {
    auto fd = io::connect_stream({{wire::ip::ipv4(127, 0, 0, 1), origin.port()}, {}});
    ASSERT_TRUE(state.connections().take_place());
    state.connections().lend(endpoint(state), {io::Stream(std::move(*fd)), 1}, loop.now());
  };
  const auto state = keeper.adopt(define(1, {"127.0.0.1"}, origin.port()));
  lend(*state);
  EXPECT_TRUE(state->connections().may_borrow());
  keeper.retain({});
  EXPECT_FALSE(state->connections().may_borrow());
  lend(*state);
  EXPECT_FALSE(state->connections().may_borrow());
  EXPECT_EQ(state->connections().count(), 0);
}

TEST_F(Keeping, ExpiresLentConnectionsByItself) {
  CheckedServer origin(loop);
  auto definition = define(1, {"127.0.0.1"}, origin.port());
  definition->idle_timeout = 1ms;
  const auto state = keeper.adopt(definition);
  auto fd = io::connect_stream({{wire::ip::ipv4(127, 0, 0, 1), origin.port()}, {}});
  ASSERT_TRUE(state->connections().take_place());
  state->connections().lend(endpoint(*state), {io::Stream(std::move(*fd)), 1}, loop.now());
  EXPECT_TRUE(turn_until([&] { return !state->connections().may_borrow(); }));
  EXPECT_EQ(state->connections().count(), 0);
}

TEST_F(Keeping, PublishesNamesWhenTheyAreResolvedAndFollowsThem) {
  server.names["cart.test"] = {1, 2};
  const auto state = keeper.adopt(define(1, {"cart.test"}));
  EXPECT_EQ(names(*state), "");
  EXPECT_FALSE(keeper.settled());
  ASSERT_TRUE(turn_until([&] { return keeper.settled(); }));
  ASSERT_EQ(names(*state), "127.0.0.1:80 127.0.0.2:80");
  EXPECT_EQ(endpoint(*state)->server_name, "cart.test");
  EXPECT_EQ(endpoint(*state)->since, Instant{});
  const auto stays = endpoint(*state, 1);
  const std::uint64_t version = state->version();
  server.names["cart.test"] = {2, 3};
  ASSERT_TRUE(turn_until([&] { return names(*state) == "127.0.0.2:80 127.0.0.3:80"; }))
      << names(*state);
  EXPECT_EQ(endpoint(*state), stays);
  EXPECT_NE(endpoint(*state, 1)->since, Instant{}) << "a new one starts slowly";
  EXPECT_GT(state->version(), version);
  EXPECT_EQ(keeper.stats().endpoint_changes.value(), 1u);
}

TEST_F(Keeping, AChangeOfOtherFieldsNeverWaitsForNames) {
  server.names["cart.test"] = {1};
  const auto before = keeper.adopt(define(1, {"cart.test"}));
  ASSERT_TRUE(turn_until([&] { return names(*before) == "127.0.0.1:80"; }));
  server.mood = NameServer::Mood::kSilent;
  const auto after = keeper.adopt(define(2, {"cart.test"}));
  EXPECT_EQ(names(*after), "127.0.0.1:80");
  EXPECT_EQ(endpoint(*after), endpoint(*before));
  EXPECT_TRUE(keeper.settled());
}

TEST_F(Keeping, SettlesWithoutAnAnswerAfterAWhile) {
  server.mood = NameServer::Mood::kSilent;
  keeper.adopt(define(1, {"slow.test"}));
  const Instant begin = loop.now();
  ASSERT_TRUE(turn_until([&] { return keeper.settled(); }));
  EXPECT_GE(loop.now() - begin, UpstreamKeeper::kSettleMax);
}

TEST_F(Keeping, CountsAnAddressOnceAlthoughTwoEndpointsLeadToIt) {
  server.names["cart.test"] = {1};
  const auto state = keeper.adopt(define(1, {"127.0.0.1", "cart.test", "127.0.0.1"}));
  ASSERT_TRUE(turn_until([&] { return keeper.settled(); }));
  EXPECT_EQ(names(*state), "127.0.0.1:80");
  EXPECT_EQ(endpoint(*state)->server_name, "") << "the first specification has it";
}

TEST_F(Keeping, AnAddressThatAnotherNameLeadsToNowKeepsItsHistory) {
  server.names = {{"a.test", {1, 2}}, {"b.test", {1, 3}}};
  const auto state = keeper.adopt(define(1, {"a.test", "b.test"}));
  ASSERT_TRUE(
      turn_until([&] { return names(*state) == "127.0.0.1:80 127.0.0.2:80 127.0.0.3:80"; }));
  endpoint(*state)->ejected_until_ns.store(77);
  server.names["a.test"] = {2};
  ASSERT_TRUE(
      turn_until([&] { return names(*state) == "127.0.0.2:80 127.0.0.1:80 127.0.0.3:80"; }));
  EXPECT_EQ(endpoint(*state, 1)->server_name, "b.test");
  EXPECT_EQ(endpoint(*state, 1)->ejected_until_ns.load(), 77);
}

TEST_F(Keeping, PrefersItsOwnLocality) {
  auto definition = define(1, {"10.0.0.1", "10.0.0.2", "10.0.0.3"});
  definition->endpoints[0].locality = "berlin";
  definition->endpoints[1].locality = "paris";
  const auto state = keeper.adopt(definition);
  EXPECT_TRUE(endpoint(*state, 0)->same_locality);
  EXPECT_FALSE(endpoint(*state, 1)->same_locality);
  EXPECT_FALSE(endpoint(*state, 2)->same_locality);
  UpstreamKeeper nowhere(loop, {{}, ""});
  EXPECT_TRUE(endpoint(*nowhere.adopt(definition), 1)->same_locality);
}

TEST_F(Keeping, ChecksEndpointsAndKeepsTheirHealthOverAChange) {
  CheckedServer origin(loop);
  origin.reply = "HTTP/1.1 500 No\r\n\r\n";
  const auto before = keeper.adopt(with_check(define(1, {"127.0.0.1"}, origin.port())));
  ASSERT_TRUE(turn_until([&] { return !endpoint(*before)->healthy; }));
  auto changed = with_check(define(2, {"127.0.0.1"}, origin.port()));
  changed->connect_timeout = 1s;
  const auto after = keeper.adopt(changed);
  keeper.retain({after});
  EXPECT_FALSE(endpoint(*after)->healthy);
  origin.reply = "HTTP/1.1 200 OK\r\n\r\n";
  const std::uint64_t version = after->version();
  ASSERT_TRUE(turn_until([&] { return endpoint(*after)->healthy.load(); }));
  EXPECT_GT(after->version(), version) << "the new state's workers are told";
  EXPECT_EQ(keeper.report(*after).checks.at(0).last_result, "status 200");
  EXPECT_TRUE(keeper.report(*before).checks.empty());
}

TEST_F(Keeping, StopsCheckingWhatIsForgotten) {
  CheckedServer origin(loop);
  const auto state = keeper.adopt(with_check(define(1, {"127.0.0.1"}, origin.port())));
  ASSERT_TRUE(turn_until([&] { return origin.accepted > 1; }));
  keeper.retain({});
  const auto checks = keeper.stats().checks.value();
  const auto other = keeper.adopt(define(2, {"slow.test"}));
  ASSERT_TRUE(turn_until([&] { return keeper.stats().lookups.value() > 5; }));
  EXPECT_EQ(keeper.stats().checks.value(), checks);
}

TEST_F(Keeping, TellsWorkersWhenAnEjectionEnds) {
  auto definition = define(1, {"10.0.0.1", "10.0.0.2"});
  definition->outlier.consecutive_errors = 1;
  definition->outlier.base_ejection = 30ms;
  const auto state = keeper.adopt(definition);
  ASSERT_TRUE(state->report(*endpoint(*state), true, loop.now()));
  const Instant until{endpoint(*state)->ejected_until_ns.load()};
  const std::uint64_t version = state->version();
  ASSERT_TRUE(turn_until([&] { return state->version() > version; }));
  EXPECT_GE(loop.now(), until);
  EXPECT_GE(endpoint(*state)->recovered_ns.load(), until.ns) << "it comes back slowly";
  EXPECT_EQ(keeper.stats().ejections_ended.value(), 1u);
}

TEST_F(Keeping, TellsTheEndOfALongEjectionOnTime) {
  const auto state = keeper.adopt(define(1, {"10.0.0.1"}));
  const std::uint64_t version = state->version();
  const Instant until = loop.now() + 1300ms;  // between two ticks
  endpoint(*state)->ejected_until_ns.store(until.ns);
  ASSERT_TRUE(turn_until([&] { return state->version() > version; }));
  EXPECT_GE(loop.now(), until);
  EXPECT_LT(loop.now() - until, 600ms) << "not as late as the next tick";
}

TEST_F(Keeping, AnEndpointThatStayedInForLongStartsAfresh) {
  auto definition = define(1, {"10.0.0.1"});
  definition->outlier.ejection_max = 10ms;
  const auto state = keeper.adopt(definition);
  endpoint(*state)->ejections.store(4);
  endpoint(*state)->ejected_until_ns.store(loop.now().ns - 1);
  EXPECT_TRUE(turn_until([&] { return endpoint(*state)->ejections.load() == 0; }));
}

}  // namespace
}  // namespace headgate::proxy
