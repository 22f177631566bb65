#include "roles/proxy/mirror.h"

#include <gtest/gtest.h>

#include "roles/proxy/testing/live_proxy.h"

namespace headgate::proxy {
namespace {

using testing::LiveOrigin;
using testing::LiveProxy;

model::Rule mirrored(std::uint32_t numerator = 100, std::uint32_t denominator = 100) {
  model::Rule rule;
  rule.filters.mirrors.push_back({1, numerator, denominator});
  return rule;
}

std::string post(const std::string& body) {
  return "POST /a?b=1 HTTP/1.1\r\nhost: shop.example\r\nx-mine: 1\r\ncontent-length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

std::string name_of(const LiveOrigin& origin) { return "default/" + std::to_string(origin.port()); }

TEST(Mirror, ACopyHasTheSameHeadAndBodyAndItsAnswerIsThrownAway) {
  LiveOrigin origin, copy([](const std::string&) { return testing::response(500, "from the copy"); });
  LiveProxy proxy(mirrored(), {origin.port(), copy.port()});
  const std::string answer = proxy.ask(post("body"));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  EXPECT_EQ(answer.find("copy"), std::string::npos);
  const std::string seen = copy.requests(1).at(0);
  EXPECT_EQ(seen, origin.requests(1).at(0));
  EXPECT_TRUE(seen.ends_with("\r\n\r\nbody")) << seen;
}

TEST(Mirror, AChunkedBodyIsCopiedAsItComes) {
  LiveOrigin origin, copy;
  LiveProxy proxy(mirrored(), {origin.port(), copy.port()});
  proxy.ask("POST / HTTP/1.1\r\nhost: shop.example\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
  const std::string seen = copy.requests(1).at(0);
  EXPECT_NE(seen.find("one"), std::string::npos) << seen;
  EXPECT_NE(seen.find("two"), std::string::npos) << seen;
}

TEST(Mirror, TheClientDoesNotWaitForACopyThatIsNotAnswered) {
  LiveOrigin origin, silent([](const std::string&) { return std::string(); });
  LiveProxy proxy(mirrored(), {origin.port(), silent.port()});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(proxy.ask(post("body")).starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(silent.requests(3).size(), 3U);
}

TEST(Mirror, ACopyThatCannotBeSentIsCountedAndTheClientIsServed) {
  LiveOrigin origin;
  std::uint16_t closed = 0;
  { closed = LiveOrigin().port(); }
  LiveProxy proxy(mirrored(), {origin.port(), closed});
  EXPECT_TRUE(proxy.ask(post("body")).starts_with("HTTP/1.1 200 "));
  const std::string name = "default/" + std::to_string(closed);
  for (int i = 0; i < 1000 && proxy.counted(name.c_str(), &UpstreamStats::mirror_failures) == 0; ++i) proxy.get("/");
  EXPECT_GE(proxy.counted(name.c_str(), &UpstreamStats::mirror_failures), 1U);
}

TEST(Mirror, AShareOfNothingCopiesNothingAndAShareOfHalfAboutHalf) {
  LiveOrigin origin, copy;
  {
    LiveProxy proxy(mirrored(0, 100), {origin.port(), copy.port()});
    for (int i = 0; i < 20; ++i) proxy.get("/");
    EXPECT_EQ(proxy.counted(name_of(copy).c_str(), &UpstreamStats::mirrors), 0U);
  }
  LiveProxy proxy(mirrored(1, 2), {origin.port(), copy.port()});
  for (int i = 0; i < 200; ++i) proxy.get("/");
  // Eight standard deviations of a fair coin.
  EXPECT_GT(proxy.counted(name_of(copy).c_str(), &UpstreamStats::mirrors), 43U);
  EXPECT_LT(proxy.counted(name_of(copy).c_str(), &UpstreamStats::mirrors), 157U);
}

TEST(Mirror, ABodyThatACopyDoesNotTakeInTimeMakesItGivenUp) {
  LiveOrigin origin;
  // Accepts in its backlog and never reads.
  auto deaf = io::listen_tcp("127.0.0.1", 0);
  ASSERT_TRUE(deaf.has_value());
  const std::uint16_t port = io::local_endpoint(deaf->get()).port;
  LiveProxy proxy(mirrored(), {origin.port(), port});
  const std::string body(16 << 20, 'x');
  EXPECT_TRUE(proxy.ask(post(body)).starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(origin.requests(1).at(0).size() > body.size(), true);
  EXPECT_EQ(proxy.counted(("default/" + std::to_string(port)).c_str(), &UpstreamStats::mirror_failures), 1U);
}

}  // namespace
}  // namespace headgate::proxy
