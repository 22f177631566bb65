#include "io/fetch.h"

#include <gtest/gtest.h>

#include <optional>

#include "io/socket.h"

namespace headgate::io {
namespace {

// Answers each connection with the next canned response once it saw the end of a head, and keeps
// what it was sent.
class TinyOrigin : public EventHandler {
 public:
  explicit TinyOrigin(Loop& loop) : loop_(loop), listener_(listen_tcp("127.0.0.1", 0).value()) {
    EXPECT_TRUE(loop.add(listener_.get(), EPOLLIN, *this));
  }
  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(local_endpoint(listener_.get()).port) + path;
  }
  void on_io(std::uint32_t) override {
    while (auto accepted = accept_stream(listener_.get())) {
      connections_.push_back(std::make_unique<Connection>(*this, std::move(accepted->fd)));
      EXPECT_TRUE(loop_.add(connections_.back()->fd.get(), EPOLLIN, *connections_.back()));
    }
  }
  std::vector<std::string> responses;
  std::string seen;

 private:
  struct Connection : EventHandler {
    Connection(TinyOrigin& o, Fd f) : origin(o), fd(std::move(f)) {}
    void on_io(std::uint32_t) override {
      char buffer[4096];
      const io::Transfer got = receive(fd.get(), buffer, sizeof buffer);
      origin.seen.append(buffer, got.bytes);
      if (got.bytes == 0) origin.loop_.remove(fd.get());
      if (got.bytes == 0 || origin.responses.empty()) return;
      send(fd.get(), origin.responses.front());
      origin.responses.erase(origin.responses.begin());
    }
    TinyOrigin& origin;
    Fd fd;
  };
  Loop& loop_;
  Fd listener_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

class Fetching : public ::testing::Test {
 protected:
  Result<FetchResponse> fetch(FetchRequest request) {
    std::optional<Result<FetchResponse>> outcome;
    fetcher.start(std::move(request), [&](Result<FetchResponse> r) { outcome = std::move(r); });
    EXPECT_FALSE(outcome);
    for (int i = 0; i < 2000 && !outcome; ++i) loop.turn(10ms);
    return outcome ? *outcome : Result<FetchResponse>(fail(Code::kInternal, "no outcome at all"));
  }
  Loop loop;
  TinyOrigin origin{loop};
  Fetcher fetcher{loop, 2};
};

TEST_F(Fetching, GetsAResponseWithItsHeadersWhateverTheEnvironmentSaysOfProxies) {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  origin.responses = {"HTTP/1.1 404 Not Found\r\nX-Kind: test\r\nContent-Length: 5\r\n\r\nhello"};
  const auto response = fetch(
      {.url = origin.url("/jwks"), .headers = {{"X-Empty", ""}, {"Accept", "application/json"}}});
  ::unsetenv("http_proxy");
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(response->body, "hello");
  EXPECT_EQ(response->header("x-kind"), "test");
  EXPECT_TRUE(origin.seen.starts_with("GET /jwks HTTP/1.1\r\n")) << origin.seen;
  EXPECT_NE(origin.seen.find("Accept: application/json\r\n"), std::string::npos);
}

TEST_F(Fetching, PostsABodyAndFollowsNoRedirectWithIt) {
  origin.responses = {"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"};
  const auto response =
      fetch({.url = origin.url("/hook"), .method = "POST", .body = std::string("a\0b", 3)});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 302);
  EXPECT_TRUE(origin.seen.ends_with(std::string("\r\n\r\na\0b", 7)));
}

TEST_F(Fetching, FollowsOnlySoManyRedirects) {
  const std::string redirect = "HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n";
  origin.responses = {redirect, "HTTP/1.1 200 OK\r\nX-Last: yes\r\nContent-Length: 2\r\n\r\nok"};
  EXPECT_EQ(fetch({.url = origin.url("/"), .redirects_max = 1}).value().body, "ok");
  origin.responses = {redirect, redirect};
  EXPECT_EQ(fetch({.url = origin.url("/"), .redirects_max = 1}).error().code, Code::kExhausted);
}

TEST_F(Fetching, EndsAResponseThatIsTooLongOrTooLate) {
  origin.responses = {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + std::string(100, 'x')};
  const auto longer = fetch({.url = origin.url("/"), .body_bytes_max = 99});
  EXPECT_EQ(longer.error().code, Code::kExhausted);
  EXPECT_NE(longer.error().message.find("longer than 99 bytes"), std::string::npos)
      << longer.error().message;
  EXPECT_EQ(fetch({.url = origin.url("/"), .timeout = 30ms}).error().code, Code::kTimeout);
}

TEST_F(Fetching, RefusesWhatItCannotSend) {
  EXPECT_EQ(fetch({.url = "file:///etc/passwd"}).error().code, Code::kInvalid);
  EXPECT_EQ(fetch({.url = ""}).error().code, Code::kInvalid);
  EXPECT_EQ(fetch({.url = origin.url("/"), .method = "BREW"}).error().code, Code::kInvalid);
  EXPECT_EQ(fetch({.url = origin.url("/"), .headers = {{"A", "b\r\nC: d"}}}).error().code,
            Code::kInvalid);
  EXPECT_EQ(fetch({.url = "http://127.0.0.1:1/"}).error().code, Code::kUnavailable);
}

TEST_F(Fetching, HoldsItsLimitAndDropsWhatIsUnderWayWhenDestroyed) {
  int refused = 0, others = 0;
  {
    Fetcher small(loop, 2);
    for (int i = 0; i < 3; ++i) {
      small.start({.url = origin.url("/")}, [&](Result<FetchResponse> r) {
        ++(!r && r.error().code == Code::kExhausted ? refused : others);
      });
    }
    for (int i = 0; i < 5; ++i) loop.turn(1ms);
  }
  loop.turn(1ms);
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(others, 0);
}

TEST_F(Fetching, ACallbackMayDestroyTheFetcher) {
  auto own = std::make_unique<Fetcher>(loop);
  int calls = 0;
  for (int i = 0; i < 3; ++i) {
    own->start({.url = ""}, [&](Result<FetchResponse>) {
      ++calls;
      own.reset();
    });
  }
  loop.turn(1ms);
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace headgate::io
