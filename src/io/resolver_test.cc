#include "io/resolver.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <map>
#include <set>

#include "io/socket.h"

namespace headgate::io {
namespace {

// A name server on loopback that knows a few names; hand-made packets, so that nothing of ours
// checks itself.
class TinyServer : public EventHandler {
 public:
  explicit TinyServer(Loop& loop) : fd_(bind_udp("127.0.0.1", 0).value()) {
    EXPECT_TRUE(loop.add(fd_.get(), EPOLLIN, *this));
  }
  std::string address() const {
    return "127.0.0.1:" + std::to_string(local_endpoint(fd_.get()).port);
  }

  struct Record {
    std::string data;  // 4 or 16 bytes
    std::uint8_t ttl;
  };
  std::map<std::string, std::vector<Record>> names;  // "www.test"
  std::set<std::string> failing;  // SERVFAIL for AAAA, and for A when there is no record
  bool silent = false;
  char silent_type = 0;  // 1: no answer to A; 28: none to AAAA

  void on_io(std::uint32_t) override {
    char query[512];
    sockaddr_storage from{};
    socklen_t length = sizeof from;
    const ssize_t size =
        ::recvfrom(fd_.get(), query, sizeof query, 0, reinterpret_cast<sockaddr*>(&from), &length);
    if (size < 17 || silent) return;
    const std::string reply = answer({query, static_cast<std::size_t>(size)});
    if (reply.empty()) return;
    ::sendto(fd_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), length);
  }

 private:
  std::string answer(std::string_view query) const {
    std::string name;
    std::size_t at = 12;
    while (query[at] != 0) {
      name += std::string(name.empty() ? "" : ".") +
              std::string(query.substr(at + 1, static_cast<std::size_t>(query[at])));
      at += static_cast<std::size_t>(query[at]) + 1;
    }
    const char type = query[at + 2];
    if (type == silent_type) return {};
    const std::size_t wanted = type == 28 ? 16 : 4;
    std::string body;
    char count = 0;
    const auto known = names.find(name);
    for (const Record& record : known == names.end() ? std::vector<Record>{} : known->second) {
      if (record.data.size() != wanted) continue;
      body += std::string("\xc0\x0c\x00", 3) + type + std::string("\x00\x01\x00\x00\x00", 5) +
              static_cast<char>(record.ttl) + '\0' + static_cast<char>(wanted) + record.data;
      ++count;
    }
    const bool fails = failing.contains(name) && count == 0;
    const char code = fails ? 2 : known == names.end() ? 3 : 0;
    return std::string(query.substr(0, 2)) + '\x81' + static_cast<char>(0x80 | code) +
           std::string("\x00\x01\x00", 3) + count + std::string(4, '\0') +
           std::string(query.substr(12, at + 5 - 12)) + body;
  }

  Fd fd_;
};

class Resolving : public ::testing::Test {
 protected:
  void SetUp() override {
    ResolverOptions options;
    options.servers = server.address();
    options.search_domains = false;
    options.try_timeout = 50ms;
    options.tries = 2;
    options.lookups_max = 8;
    resolver = Resolver::make(loop, options).value();
  }
  Result<Answer> ask(const std::string& name) {
    std::optional<Result<Answer>> outcome;
    resolver->resolve(name, [&](Result<Answer> r) { outcome = std::move(r); });
    EXPECT_FALSE(outcome) << "callbacks run after resolve() has returned";
    for (int turn = 0; turn < 2000 && !outcome; ++turn) loop.turn(10ms);
    return outcome ? *outcome : Result<Answer>(fail(Code::kInternal, "no answer at all"));
  }
  static std::vector<std::string> texts(const Result<Answer>& answer) {
    std::vector<std::string> all;
    for (const auto& address : answer ? answer->addresses : std::vector<wire::ip::IpAddress>{}) {
      all.push_back(wire::ip::to_string(address));
    }
    return all;
  }

  Loop loop;
  TinyServer server{loop};
  std::unique_ptr<Resolver> resolver;
  const std::string v6 = std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + '\x01';
};

TEST_F(Resolving, JoinsBothFamiliesWithTheLeastTtl) {
  server.names["www.test"] = {
      {std::string("\x0a\x00\x00\x01", 4), 60}, {std::string("\x0a\x00\x00\x02", 4), 60}, {v6, 30}};
  const auto answer = ask("www.test");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(texts(answer), (std::vector<std::string>{"10.0.0.1", "10.0.0.2", "2001:db8::1"}));
  EXPECT_EQ(answer->ttl, 30s);
}

TEST_F(Resolving, TellsAMissingNameFromAFailingServer) {
  server.names["empty.test"] = {};
  server.failing = {"broken.test", "half.test", "v4.test"};
  server.names["half.test"] = {};
  server.names["v4.test"] = {{std::string("\x0a\x00\x00\x01", 4), 60}};
  EXPECT_EQ(ask("nowhere.test").error().code, Code::kNotFound);
  EXPECT_EQ(ask("empty.test").error().code, Code::kNotFound);
  EXPECT_EQ(ask("broken.test").error().code, Code::kUnavailable);
  EXPECT_TRUE(ask("v4.test")) << "one family is enough";
  server.silent = true;
  EXPECT_EQ(ask("silent.test").error().code, Code::kTimeout);
}

TEST_F(Resolving, TellsWhichFamilyFailed) {
  server.names["both.test"] = {{std::string("\x0a\x00\x00\x01", 4), 60}, {v6, 30}};
  server.names["v4.test"] = {{std::string("\x0a\x00\x00\x01", 4), 60}};
  server.names["v6.test"] = {{v6, 60}};
  server.names["empty.test"] = {};
  server.failing = {"v4.test", "v6.test"};
  const auto both = ask("both.test");
  EXPECT_FALSE(both->ipv4_failed || both->ipv6_failed);
  const auto v4 = ask("v4.test");
  EXPECT_TRUE(!v4->ipv4_failed && v4->ipv6_failed);
  EXPECT_NE(v4->problem.find("v4.test' (AAAA)"), std::string::npos) << v4->problem;
  const auto v6_only = ask("v6.test");
  EXPECT_TRUE(v6_only->ipv4_failed && !v6_only->ipv6_failed);
  EXPECT_EQ(texts(v6_only), std::vector<std::string>{"2001:db8::1"});

  server.failing = {};
  server.silent_type = 28;
  const auto late = ask("v4.test");
  ASSERT_TRUE(late) << late.error().message;
  EXPECT_TRUE(!late->ipv4_failed && late->ipv6_failed) << "a time-out is a failure";
  const auto nothing = ask("empty.test");
  ASSERT_TRUE(nothing) << "one family said that it has nothing: that is worth knowing";
  EXPECT_TRUE(nothing->addresses.empty() && !nothing->ipv4_failed && nothing->ipv6_failed);
}

TEST_F(Resolving, KnowsLiteralsAndLocalhostWithoutAServer) {
  server.silent = true;
  EXPECT_EQ(texts(ask("192.0.2.7")), std::vector<std::string>{"192.0.2.7"});
  EXPECT_EQ(texts(ask("localhost")), (std::vector<std::string>{"127.0.0.1", "::1"}));
  EXPECT_EQ(texts(ask("app.LOCALHOST")), (std::vector<std::string>{"127.0.0.1", "::1"}));
  EXPECT_EQ(ask("").error().code, Code::kInvalid);
  EXPECT_EQ(ask(std::string(300, 'a')).error().code, Code::kInvalid);
}

TEST_F(Resolving, RefusesMoreLookupsThanItsLimit) {
  server.silent = true;
  int refused = 0, others = 0;
  for (int i = 0; i < 10; ++i) {
    resolver->resolve("host" + std::to_string(i) + ".test", [&](Result<Answer> r) {
      ++(r.error().code == Code::kExhausted ? refused : others);
    });
  }
  loop.turn(1ms);
  EXPECT_EQ(refused, 2);
  EXPECT_EQ(others, 0);
}

TEST_F(Resolving, ACancelledOrDestroyedLookupNeverCallsBack) {
  server.names["www.test"] = {{std::string("\x0a\x00\x00\x01", 4), 60}};
  bool called = false;
  const auto mark = [&](Result<Answer>) { called = true; };
  resolver->cancel(resolver->resolve("www.test", mark));
  resolver->cancel(resolver->resolve("192.0.2.1", mark));
  EXPECT_TRUE(ask("www.test"));
  EXPECT_FALSE(called);
  resolver->resolve("www.test", mark);
  resolver->resolve("192.0.2.1", mark);
  resolver.reset();
  for (int i = 0; i < 5; ++i) loop.turn(1ms);
  EXPECT_FALSE(called);
}

TEST_F(Resolving, ACallbackMayDestroyTheResolver) {
  int calls = 0;
  for (int i = 0; i < 3; ++i) {
    resolver->resolve("192.0.2.1", [&](Result<Answer>) {
      ++calls;
      resolver.reset();
    });
  }
  loop.turn(1ms);
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace headgate::io
