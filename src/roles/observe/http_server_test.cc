#include "roles/observe/http_server.h"

#include <gtest/gtest.h>

#include <memory>

#include "io/socket.h"
#include "io/stream.h"
#include "roles/observe/limits.h"

namespace headgate::observe {
namespace {

Answer say(void*, const Request& request) {
  return {.body = std::string(request.path) + "|" + std::string(request.rest) + "|" +
                  std::string(request.query)};
}

class Serving : public testing::Test {
 protected:
  void SetUp() override {
    site.add("/status", "all there is", nullptr, say);
    site.add("/large", "a large page", nullptr,
             [](void*, const Request&) { return Answer{.body = std::string(4 << 20, 'x')}; });
    auto listener = io::listen_tcp("127.0.0.1", 0);
    ASSERT_TRUE(listener);
    to = {io::local_endpoint(listener->get()), ""};
    server = std::make_unique<HttpServer>(loop, std::move(*listener), site);
  }
  io::Stream connect() {
    auto fd = io::connect_stream(to);
    EXPECT_TRUE(fd);
    io::Stream stream(std::move(*fd));
    turn();
    return stream;
  }
  void turn() {
    for (int i = 0; i < 4; ++i) loop.turn(1ms);
  }
  // Everything that arrives within a few turns.
  std::string receive(io::Stream& stream) {
    std::string all;
    for (int quiet = 0; quiet < 8;) {
      turn();
      char bytes[65536];
      const io::Transfer got = stream.read(bytes, sizeof bytes);
      closed =
          got.state == io::Transfer::State::kClosed || got.state == io::Transfer::State::kFailed;
      if (closed) break;
      quiet = got.bytes == 0 ? quiet + 1 : 0;
      all.append(bytes, got.bytes);
    }
    return all;
  }
  std::string ask(io::Stream& stream, std::string_view bytes) {
    EXPECT_EQ(stream.write(bytes).bytes, bytes.size());
    return receive(stream);
  }

  io::Loop loop;
  Site site;
  io::SocketAddress to;
  std::unique_ptr<HttpServer> server;
  bool closed = false;
};

std::string get(std::string_view path) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n\r\n";
}

TEST_F(Serving, AnswersAPageAndKeepsTheConnection) {
  io::Stream client = connect();
  const std::string first = ask(client, get("/status?a=b"));
  EXPECT_TRUE(first.starts_with("HTTP/1.1 200 OK\r\n")) << first;
  EXPECT_TRUE(first.ends_with("\r\n\r\n/status||a=b")) << first;
  EXPECT_TRUE(ask(client, get("/status/upstreams")).ends_with("/status/upstreams|/upstreams|"));
  EXPECT_FALSE(closed);
}

TEST_F(Serving, AnswersPipelinedRequestsInOrder) {
  io::Stream client = connect();
  const std::string both = ask(client, get("/status/1") + get("/status/2"));
  EXPECT_LT(both.find("/status/1|"), both.find("/status/2|"));
}

TEST_F(Serving, AnUnknownPathListsThePages) {
  io::Stream client = connect();
  const std::string answer = ask(client, get("/statusx"));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 404 ")) << answer;
  EXPECT_NE(answer.find("/status  all there is\n"), std::string::npos);
}

TEST_F(Serving, HeadHasTheLengthWithoutTheBody) {
  io::Stream client = connect();
  const std::string answer = ask(client, "HEAD /status HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(answer.find("Content-Length: 9\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(Serving, RefusesEverythingThatWouldWrite) {
  io::Stream client = connect();
  const std::string answer = ask(client, "DELETE /status HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 405 ")) << answer;
  EXPECT_NE(answer.find("Allow: GET, HEAD\r\n"), std::string::npos);
  EXPECT_TRUE(ask(client, "POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
                  .starts_with("HTTP/1.1 413 "));
  EXPECT_TRUE(closed);
}

TEST_F(Serving, RefusesAHeadBeyondTheLimitAndCloses) {
  io::Stream client = connect();
  const std::string answer =
      ask(client, "GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(9000, 'a') + "\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 431 ")) << answer;
  EXPECT_TRUE(closed);
}

TEST_F(Serving, SendsALargePageAsFastAsTheClientReads) {
  io::Stream client = connect();
  EXPECT_GT(ask(client, get("/large")).size(), std::size_t{4} << 20);
  EXPECT_TRUE(ask(client, get("/status")).starts_with("HTTP/1.1 200 "));
}

TEST_F(Serving, ClosesTheLongestIdleConnectionForANewOne) {
  std::vector<io::Stream> clients;
  for (std::size_t i = 0; i < kConnectionsMax; ++i) clients.push_back(connect());
  EXPECT_EQ(server->connections(), kConnectionsMax);
  io::Stream late = connect();
  EXPECT_EQ(server->connections(), kConnectionsMax);
  EXPECT_TRUE(ask(late, get("/status")).starts_with("HTTP/1.1 200 "));
  receive(clients[0]);
  EXPECT_TRUE(closed);
}

TEST_F(Serving, RefusesANewConnectionWhileAllOthersAreAtWork) {
  std::vector<io::Stream> clients;
  for (std::size_t i = 0; i < kConnectionsMax; ++i) {
    clients.push_back(connect());
    clients.back().write("GET /sta");
  }
  turn();
  io::Stream late = connect();
  EXPECT_TRUE(receive(late).starts_with("HTTP/1.1 503 "));
  EXPECT_TRUE(closed);
}

TEST_F(Serving, ASlowHeadEndsAtItsDeadline) {
  io::Stream client = connect();
  client.write("GET /sta");
  turn();
  loop.timers().advance(loop.now() + kRequestTimeout + 1s);
  receive(client);
  EXPECT_TRUE(closed);
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(Serving, GivingThePortUpAnswersWhoWasAccepted) {
  io::Stream idle = connect(), fresh = connect(), half = connect();
  ask(idle, get("/status"));
  half.write("GET /sta");
  turn();
  server->stop_accepting();
  for (const auto& [client, request] : {std::pair(&idle, get("/status/1")),
                                        {&fresh, get("/status/1")},
                                        {&half, get("tus/1").substr(4)}}) {
    const std::string answer = ask(*client, request);
    EXPECT_TRUE(answer.ends_with("/status/1|/1|")) << answer;
    EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
    EXPECT_TRUE(closed);
  }
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(Serving, GivingThePortUpClosesWhoAsksNothingSoon) {
  io::Stream idle = connect(), fresh = connect();
  ask(idle, get("/status"));
  server->stop_accepting();
  EXPECT_EQ(server->connections(), 2U);
  loop.timers().advance(loop.now() + kLastRequestTimeout + 1s);
  turn();
  EXPECT_EQ(server->connections(), 0U);
}

struct Counter {
  void add(const Request& request, Reply reply) {
    bodies.emplace_back(request.body);
    if (later)
      waiting.push_back(std::move(reply));
    else
      reply.give({.status = 201, .body = "at once"});
  }
  std::vector<std::string> bodies;
  std::vector<Reply> waiting;
  bool later = false;
};

class Posting : public Serving {
 protected:
  void SetUp() override {
    site.add_post<&Counter::add>("/add", "adds", &counter);
    Serving::SetUp();
  }
  static std::string post(std::string_view body, std::string_view type = "application/json",
                          std::string_view host = "127.0.0.1:9900") {
    return "POST /add HTTP/1.1\r\nHost: " + std::string(host) +
           "\r\nContent-Type: " + std::string(type) +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
  }
  Counter counter;
};

TEST_F(Posting, ABodyThatArrivesInPiecesIsGivenWhole) {
  io::Stream client = connect();
  const std::string request = post("{\"a\": 1}");
  for (const char c : request) {
    client.write(std::string_view(&c, 1));
    turn();
  }
  EXPECT_TRUE(receive(client).ends_with("at once"));
  EXPECT_EQ(counter.bodies, std::vector<std::string>{"{\"a\": 1}"});
  EXPECT_TRUE(ask(client, post("2") + get("/status")).ends_with("/status||")) << "and goes on";
}

TEST_F(Posting, AnAnswerMayComeLaterAndTheNextRequestWaitsForIt) {
  counter.later = true;
  io::Stream client = connect();
  EXPECT_EQ(ask(client, post("1") + get("/status")), "");
  counter.waiting[0].give({.status = 202, .body = "later"});
  counter.waiting[0].give({.status = 500, .body = "twice"});
  const std::string both = receive(client);
  EXPECT_TRUE(both.starts_with("HTTP/1.1 202 ")) << both;
  EXPECT_TRUE(both.ends_with("/status||")) << both;
}

TEST_F(Posting, AClientThatAsksForOneAnswerGetsItLater) {
  counter.later = true;
  io::Stream client = connect();
  std::string request = post("1");
  request.insert(request.find("Content-Type"), "Connection: close\r\n");
  EXPECT_EQ(ask(client, request), "");
  ASSERT_FALSE(closed);
  counter.waiting.at(0).give({.body = "later"});
  EXPECT_TRUE(receive(client).ends_with("later"));
  EXPECT_TRUE(closed);
}

TEST_F(Posting, AClientThatLeftOrWaitedTooLongIsNotAnswered) {
  counter.later = true;
  io::Stream client = connect();
  ask(client, post("1"));
  loop.timers().advance(loop.now() + kReplyTimeout + 1s);
  turn();
  EXPECT_EQ(server->connections(), 0U);
  counter.waiting[0].give({.body = "nobody is there"});
}

TEST_F(Posting, WhatABrowserSendsForAForeignPageIsRefused) {
  for (const char* type :
       {"text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"}) {
    io::Stream client = connect();
    EXPECT_TRUE(ask(client, post("1", type)).starts_with("HTTP/1.1 415 ")) << type;
    EXPECT_TRUE(closed);
  }
  for (const char* host :
       {"evil.example:9900", "localhost.evil.example", "127.0.0.1.evil.example"}) {
    io::Stream client = connect();
    EXPECT_TRUE(ask(client, post("1", "application/json", host)).starts_with("HTTP/1.1 403 "))
        << host;
  }
  for (const char* host : {"localhost", "[::1]:9900", "192.0.2.1"}) {
    io::Stream client = connect();
    EXPECT_TRUE(ask(client, post("1", "Application/JSON; charset=utf-8", host))
                    .starts_with("HTTP/1.1 201 "))
        << host;
  }
  EXPECT_EQ(counter.bodies.size(), 3U);
}

TEST_F(Posting, ABodyBeyondTheLimitOrWithoutALengthIsRefused) {
  for (const std::string& request :
       {post(std::string(kBodyBytesMax + 1, ' ')).substr(0, 200),
        std::string("POST /add HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n")}) {
    io::Stream client = connect();
    EXPECT_TRUE(ask(client, request).starts_with("HTTP/1.1 413 "));
    EXPECT_TRUE(closed);
  }
  EXPECT_TRUE(counter.bodies.empty());
}

TEST_F(Posting, OtherMethodsAndPathsAreToldWhatIsAllowed) {
  io::Stream client = connect();
  const std::string answer = ask(client, get("/add"));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 405 ")) << answer;
  EXPECT_NE(answer.find("Allow: POST\r\n"), std::string::npos);
  EXPECT_NE(ask(client, get("/")).find("/add  adds\n"), std::string::npos);
  std::string below = post("1");
  below.replace(0, 9, "POST /add/x");
  EXPECT_TRUE(ask(client, below).starts_with("HTTP/1.1 413 "));
}

}  // namespace
}  // namespace headgate::observe
