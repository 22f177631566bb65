#include "roles/proxy/jwks_keeper.h"

#include <gtest/gtest.h>

#include <atomic>

#include "decide/access/testing_keys.h"
#include "roles/proxy/testing/live_origin.h"

namespace headgate::proxy {
namespace {

using decide::access::testing::jwks_of;
using decide::access::testing::SigningKey;
using testing::LiveOrigin;
using testing::response;

// Answers with whatever it was told last.
struct Issuer {
  std::mutex mutex;
  std::string answer;
  LiveOrigin origin{[this](const std::string&) {
    const std::lock_guard lock(mutex);
    return answer;
  }};
  void says(std::string text) {
    const std::lock_guard lock(mutex);
    answer = std::move(text);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(origin.port()) + "/jwks"; }
};

std::string set_of(const char* id) {
  return jwks_of({SigningKey::p256().jwk(std::string(R"(,"kid":")") + id + "\"")});
}

template <typename Condition>
bool turn_until(io::Loop& loop, Condition condition) {
  const Instant end = loop.now() + 20s;
  while (!condition()) {
    if (loop.now() >= end) return false;
    loop.turn(10ms);
  }
  return true;
}

constexpr JwksPace kQuick{.tick = 1ms, .ask_again_min = 1ms, .retry_min = 1ms};

std::string id_of(const JwksSource& source) {
  const auto keys = source.current();
  return keys ? keys->keys[0].id : "";
}

TEST(JwksKeeper, FetchesASetAndFetchesItAgainWhenItIsOld) {
  Issuer issuer;
  issuer.says(response(200, set_of("a")));
  io::Loop loop;
  JwksKeeper keeper(loop, 1, kQuick);
  const auto source = keeper.source_of(issuer.url(), 5ms);
  EXPECT_EQ(source->current(), nullptr);
  ASSERT_TRUE(turn_until(loop, [&] { return id_of(*source) == "a"; }));
  issuer.says(response(200, set_of("b")));
  EXPECT_TRUE(turn_until(loop, [&] { return id_of(*source) == "b"; }));
}

TEST(JwksKeeper, KeepsTheLastGoodSetWhateverTheIssuerSaysLater) {
  Issuer issuer;
  issuer.says(response(200, set_of("a")));
  io::Loop loop;
  JwksKeeper keeper(loop, 1, kQuick);
  const auto source = keeper.source_of(issuer.url(), 5ms);
  ASSERT_TRUE(turn_until(loop, [&] { return id_of(*source) == "a"; }));
  for (const std::string& bad : {response(500), response(200, R"({"keys":[]})"), response(200, "no json")}) {
    issuer.says(bad);
    const std::uint64_t before = keeper.stats().failures.value();
    EXPECT_TRUE(turn_until(loop, [&] { return keeper.stats().failures.value() > before + 1; }));
    EXPECT_EQ(id_of(*source), "a");
  }
  EXPECT_FALSE(keeper.status().at(0).last_error.empty());
  issuer.says(response(200, set_of("b")));
  EXPECT_TRUE(turn_until(loop, [&] { return id_of(*source) == "b"; }));
}

TEST(JwksKeeper, AnUnknownKeyFetchesEarlyButNotBeforeThePauseIsOver) {
  Issuer issuer;
  issuer.says(response(200, set_of("a")));
  io::Loop loop;
  JwksKeeper patient(loop, 1, {.tick = 1ms, .ask_again_min = 1h}), quick(loop, 1, kQuick);
  const auto slow = patient.source_of(issuer.url(), 1h), fast = quick.source_of(issuer.url(), 1h);
  ASSERT_TRUE(turn_until(loop, [&] { return id_of(*slow) == "a" && id_of(*fast) == "a"; }));
  issuer.says(response(200, set_of("b")));
  slow->ask_again();
  fast->ask_again();
  ASSERT_TRUE(turn_until(loop, [&] { return id_of(*fast) == "b"; }));
  EXPECT_EQ(patient.stats().fetches.value(), 1U);
}

TEST(JwksKeeper, OneUrlAndIntervalIsOneSourceAndAnotherIntervalBeginsWithTheSameKeys) {
  Issuer issuer;
  issuer.says(response(200, set_of("a")));
  io::Loop loop;
  JwksKeeper keeper(loop, 1, kQuick);
  auto source = keeper.source_of(issuer.url(), 1h);
  EXPECT_FALSE(keeper.settled());
  ASSERT_TRUE(turn_until(loop, [&] { return keeper.settled(); }));
  EXPECT_EQ(keeper.source_of(issuer.url(), 1h), source);
  EXPECT_EQ(id_of(*keeper.source_of(issuer.url(), 2h)), "a");
  source.reset();
  EXPECT_TRUE(turn_until(loop, [&] { return keeper.status().empty(); }));
}

}  // namespace
}  // namespace headgate::proxy
