#include "roles/proxy/health_checker.h"

#include <gtest/gtest.h>
#include <sys/un.h>

#include "io/clock.h"
#include "io/tls/test_peers.h"
#include "roles/proxy/testing/checked_server.h"

namespace headgate::proxy {
namespace {

using testing::CheckedServer;
using Kind = model::HealthCheck::Kind;

class Checking : public ::testing::Test {
 protected:
  Checking() {
    definition->name = "shop/cart";
    auto& check = definition->health_checks.emplace_back();
    check.interval = 5ms;
    check.timeout = 2s;
    check.healthy_threshold = 2;
    check.unhealthy_threshold = 2;
  }
  ~Checking() override { checker.reset(); }

  model::HealthCheck& check() { return definition->health_checks.front(); }

  void begin() { begin({{{wire::ip::ipv4(127, 0, 0, 1), server.port()}, {}}}); }
  void begin(const std::vector<io::SocketAddress>& addresses) {
    state = std::make_shared<UpstreamState>(definition);
    for (const auto& address : addresses) {
      endpoints.push_back(std::make_shared<Endpoint>());
      endpoints.back()->name = io::to_string(address);
      endpoints.back()->address = address;
      endpoints.back()->server_name = server_name;
    }
    checker =
        std::make_unique<HealthChecker>(HealthChecker::Context{loop, prng, stats, budget}, state);
    checker->set_endpoints(endpoints);
  }
  template <typename Condition>
  bool turn_until(Condition condition) {
    for (const Instant end = io::monotonic_now() + 10s; !condition() && io::monotonic_now() < end;)
      loop.turn(10ms);
    return condition();
  }
  bool turn_checks(std::uint64_t more) {
    const std::uint64_t until = stats.checks.value() + more;
    return turn_until(
        [&] { return stats.checks.value() >= until && !checker->report()[0].last_result.empty(); });
  }
  // Of the first check ever.
  std::string first_result() {
    EXPECT_TRUE(turn_until([&] { return !checker->report()[0].last_result.empty(); }));
    return checker->report()[0].last_result;
  }
  bool healthy() const { return endpoints[0]->healthy.load(); }

  void use_tls(std::vector<std::string> names) {
    auto keys = std::make_shared<io::tls::TicketKeys>(io::wall_now());
    server.tls = io::tls::ServerContext::make({{{"edge", "", {ca.issue(std::move(names))}}}}, keys,
                                              io::wall_now())
                     .value();
    definition->tls.enabled = true;
    definition->tls.ca_pem = ca.pem();
    definition->tls.offer_h2 = false;
  }

  io::Loop loop;
  CheckedServer server{loop};
  io::tls::TestAuthority ca;
  Prng prng{1};
  KeeperStats stats;
  ProbeBudget budget;
  std::string server_name;
  std::shared_ptr<model::Upstream> definition = std::make_shared<model::Upstream>();
  std::shared_ptr<UpstreamState> state;
  std::vector<std::shared_ptr<Endpoint>> endpoints;
  std::unique_ptr<HealthChecker> checker;
};

TEST_F(Checking, AsksOverHttp1AndJudgesTheStatus) {
  check().path = "/healthz?deep=1";
  begin();
  EXPECT_EQ(first_result(), "status 200");
  EXPECT_TRUE(server.received.starts_with("GET /healthz?deep=1 HTTP/1.1\r\nhost: 127.0.0.1:" +
                                          std::to_string(server.port())));
  EXPECT_TRUE(healthy());
  EXPECT_EQ(state->version(), 0u) << "a first good result is no news";
}

TEST_F(Checking, SendsTheConfiguredHost) {
  check().host = "cart.internal";
  begin();
  first_result();
  EXPECT_NE(server.received.find("\r\nhost: cart.internal\r\n"), std::string::npos)
      << server.received;
}

TEST_F(Checking, NamesTheEndpointByItsDnsNameWhereOneLedToIt) {
  server_name = "cart.test";
  begin();
  first_result();
  EXPECT_NE(server.received.find("\r\nhost: cart.test:" + std::to_string(server.port()) + "\r\n"),
            std::string::npos)
      << server.received;
}

struct BadReply {
  const char* reply;
  const char* result;
};
class JudgingReplies : public Checking, public ::testing::WithParamInterface<BadReply> {};
TEST_P(JudgingReplies, AFirstBadOneTakesTheEndpointOutAtOnce) {
  server.reply = GetParam().reply;
  begin();
  EXPECT_NE(first_result().find(GetParam().result), std::string::npos) << first_result();
  EXPECT_FALSE(healthy());
  EXPECT_EQ(state->version(), 1u);
  EXPECT_EQ(stats.turned_unhealthy.value(), 1u);
}
INSTANTIATE_TEST_SUITE_P(
    Table, JudgingReplies,
    ::testing::Values(BadReply{"HTTP/1.1 503 Service Unavailable\r\n\r\n", "status 503"},
                      BadReply{"HTTP/1.1 400 Bad Request\r\n\r\n", "status 400"},
                      BadReply{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 No\r\n\r\n",
                               "status 500"},
                      BadReply{"hello\r\n\r\n", "malformed response"},
                      BadReply{"HTTP/1.1 200 OK\n\n", "malformed response"}));

TEST_F(Checking, PassesOverInterimResponses) {
  server.reply = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
  begin();
  EXPECT_EQ(first_result(), "status 204");
  EXPECT_TRUE(healthy());
}

TEST_F(Checking, DoesNotListenToInterimResponsesForEver) {
  server.reply.clear();
  for (int i = 0; i < 20; ++i) server.reply += "HTTP/1.1 102 Processing\r\n\r\n";
  begin();
  EXPECT_NE(first_result().find("interim"), std::string::npos);
}

TEST_F(Checking, AClosedConnectionIsAFailure) {
  server.closes = true;
  begin();
  EXPECT_NE(first_result(), "");
  EXPECT_FALSE(healthy());
}

TEST_F(Checking, ARefusedConnectionIsAFailure) {
  const std::uint16_t port = CheckedServer(loop).port();
  begin({{{wire::ip::ipv4(127, 0, 0, 1), port}, {}}});
  EXPECT_NE(first_result().find("refused"), std::string::npos) << first_result();
  EXPECT_FALSE(healthy());
}

TEST_F(Checking, AnEndpointThatNeverAnswersFailsAtTheTimeout) {
  server.reply.clear();
  check().timeout = 30ms;
  begin();
  EXPECT_EQ(first_result(), "timed out: response");
  EXPECT_FALSE(healthy());
  EXPECT_LE(budget.used, 1u);
}

TEST_F(Checking, ComesBackAfterItsThresholdAndRecordsWhen) {
  server.reply = "HTTP/1.1 500 No\r\n\r\n";
  begin();
  first_result();
  EXPECT_EQ(endpoints[0]->recovered_ns.load(), 0);
  server.reply = "HTTP/1.1 200 OK\r\n\r\n";
  const auto failures = stats.check_failures.value(), checks = stats.checks.value();
  ASSERT_TRUE(turn_until([&] { return healthy(); }));
  EXPECT_GE(stats.checks.value() - checks - (stats.check_failures.value() - failures), 2u);
  EXPECT_GT(endpoints[0]->recovered_ns.load(), 0);
  EXPECT_EQ(state->version(), 2u);
}

TEST_F(Checking, AnEndpointThatAnEarlierCheckerJudgedIsNotTurnedByOneResult) {
  server.reply = "HTTP/1.1 500 No\r\n\r\n";
  check().interval = 1h;
  begin();
  checker.reset();
  endpoints[0]->judged.store(true);
  checker =
      std::make_unique<HealthChecker>(HealthChecker::Context{loop, prng, stats, budget}, state);
  checker->set_endpoints(endpoints);
  EXPECT_EQ(first_result(), "status 500");
  EXPECT_TRUE(healthy());
}

TEST_F(Checking, ATcpCheckOnlyConnects) {
  check().kind = Kind::kTcp;
  server.reply.clear();
  begin();
  EXPECT_EQ(first_result(), "connected");
  EXPECT_TRUE(healthy());
}

TEST_F(Checking, AsksOnThePortOfTheCheck) {
  check().port = server.port();
  begin({{{wire::ip::ipv4(127, 0, 0, 1), 1}, {}}});
  EXPECT_EQ(first_result(), "status 200");
}

TEST_F(Checking, ReachesUnixSockets) {
  io::SocketAddress address;
  address.unix_path = "@headgate-health-" + std::to_string(io::monotonic_now().ns);
  const io::Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  address.unix_path.copy(name.sun_path + 1, address.unix_path.size() - 1, 1);
  ASSERT_EQ(
      ::bind(listener.get(), reinterpret_cast<sockaddr*>(&name),
             static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.unix_path.size())),
      0);
  ASSERT_EQ(::listen(listener.get(), 8), 0);
  check().kind = Kind::kTcp;
  begin({address});
  EXPECT_EQ(first_result(), "connected");
}

TEST_F(Checking, TellsThatItSpeaksForItselfInThePROXYHeader) {
  definition->send_proxy_protocol = model::ProxyProtocol::kV1;
  server.header_bytes = std::string_view("PROXY UNKNOWN\r\n").size();
  begin();
  EXPECT_EQ(first_result(), "status 200");
  EXPECT_TRUE(server.received.starts_with("PROXY UNKNOWN\r\nGET / HTTP/1.1\r\n"))
      << server.received;
}

TEST_F(Checking, SpeaksHttp2ToAnHttp2Upstream) {
  definition->protocol = model::UpstreamProtocol::kHttp2;
  server.speaks = CheckedServer::Speaks::kHttp2;
  check().path = "/ok";
  begin();
  EXPECT_EQ(first_result(), "status 200");
  EXPECT_EQ(server.requests.at(0), "GET http 127.0.0.1:" + std::to_string(server.port()) + " /ok");
  server.status = 503;
  ASSERT_TRUE(turn_until([&] { return !healthy(); }));
  EXPECT_EQ(checker->report()[0].last_result, "status 503");
}

TEST_F(Checking, AnHttp1AnswerToAnHttp2CheckFails) {
  definition->protocol = model::UpstreamProtocol::kHttp2;
  server.reply = "HTTP/1.1 400 Bad Request\r\n\r\n";
  begin();
  first_result();
  EXPECT_FALSE(healthy());
}

TEST_F(Checking, AsksTheGrpcHealthService) {
  check().kind = Kind::kGrpc;
  check().grpc_service = "shop.Cart";
  server.speaks = CheckedServer::Speaks::kHttp2;
  server.grpc = true;
  begin();
  EXPECT_EQ(first_result(), "SERVING");
  EXPECT_TRUE(server.requests.at(0).ends_with(" /grpc.health.v1.Health/Check"))
      << server.requests[0];
  EXPECT_EQ(wire::grpc::parse_health_request(
                std::string_view(server.body).substr(wire::grpc::kPrefixBytes)),
            "shop.Cart");
  server.serving = wire::grpc::Serving::kNotServing;
  EXPECT_TRUE(turn_until([&] { return !healthy(); }));
  server.serving = wire::grpc::Serving::kServing;
  EXPECT_TRUE(turn_until([&] { return healthy(); }));
  server.grpc_status = "12";
  EXPECT_TRUE(turn_until([&] { return !healthy(); }));
  EXPECT_EQ(checker->report()[0].last_result, "gRPC status UNIMPLEMENTED");
}

TEST_F(Checking, VerifiesTheCertificateForTheNameThatLedToTheEndpoint) {
  use_tls({"cart.test"});
  server_name = "cart.test";
  begin();
  EXPECT_EQ(first_result(), "status 200");
}

TEST_F(Checking, ACertificateForAnotherNameIsAFailure) {
  use_tls({"other.test"});
  server_name = "cart.test";
  begin();
  EXPECT_TRUE(first_result().starts_with("TLS: ")) << first_result();
  EXPECT_FALSE(healthy());
}

TEST_F(Checking, TheConfiguredServerNameWinsOverTheNameOfTheEndpoint) {
  use_tls({"cart.internal"});
  server_name = "cart.test";
  definition->tls.server_name = "cart.internal";
  begin();
  EXPECT_EQ(first_result(), "status 200");
}

TEST_F(Checking, GrpcOverTlsAsksForHttp2ByAlpn) {
  use_tls({"cart.test"});
  server_name = "cart.test";
  check().kind = Kind::kGrpc;
  server.speaks = CheckedServer::Speaks::kHttp2;
  server.grpc = true;
  begin();
  EXPECT_EQ(first_result(), "SERVING");
}

TEST_F(Checking, AnUnreadableCaFailsChecksWithItsReason) {
  definition->tls.enabled = true;
  definition->tls.ca_pem = "nonsense";
  begin();
  EXPECT_NE(first_result(), "");
  EXPECT_EQ(server.accepted, 0);
  EXPECT_FALSE(healthy());
}

TEST_F(Checking, KeepsItsBudgetOverManyEndpoints) {
  check().kind = Kind::kTcp;
  check().interval = 1h;
  std::vector<io::SocketAddress> many;
  for (int i = 0; i < 600; ++i) {
    many.push_back({{wire::ip::ipv4(127, 0, static_cast<std::uint8_t>(i / 200),
                                    static_cast<std::uint8_t>(i % 200 + 1)),
                     server.port()},
                    {}});
  }
  server.reply.clear();
  begin(many);
  std::size_t most = 0;
  const auto all_judged = [&] {
    most = std::max(most, budget.used);
    return std::all_of(endpoints.begin(), endpoints.end(),
                       [](const auto& e) { return e->judged.load(); });
  };
  EXPECT_TRUE(turn_until(all_judged));
  EXPECT_LE(most, ProbeBudget::kMax);
  EXPECT_EQ(budget.used, 0u);
  EXPECT_EQ(stats.checks.value(), 600u);
  EXPECT_GT(stats.checks_postponed.value(), 0u);
}

TEST_F(Checking, AnEndpointThatStaysKeepsItsSchedule) {
  check().interval = 1h;
  begin();
  first_result();
  endpoints.push_back(std::make_shared<Endpoint>());
  endpoints[1]->address = endpoints[0]->address;
  checker->set_endpoints(endpoints);
  ASSERT_TRUE(turn_until([&] { return endpoints[1]->judged.load(); }));
  EXPECT_EQ(stats.checks.value(), 2u) << "the first endpoint was not asked again";
}

TEST_F(Checking, EndsChecksUnderWayWithItsEndpoints) {
  server.reply.clear();
  check().timeout = 10s;
  begin();
  ASSERT_TRUE(turn_until([&] { return server.accepted == 1; }));
  EXPECT_EQ(budget.used, 1u);
  checker->set_endpoints({});
  EXPECT_EQ(budget.used, 0u);
  loop.turn(Duration::zero());
  EXPECT_FALSE(endpoints[0]->judged.load());
}

}  // namespace
}  // namespace headgate::proxy
