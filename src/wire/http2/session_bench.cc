// What the codec costs by itself: whole exchanges between both ends in memory, no sockets, no TLS.
#include <benchmark/benchmark.h>

#include "wire/http2/client_session.h"
#include "wire/http2/server_session.h"

namespace headgate::wire::http2 {
namespace {

http::Field field(std::string_view name, std::string_view value) {
  return {name, value, http::field_id(name)};
}

class Server final : public ServerEvents {
 public:
  void on_request(StreamId stream, http::RequestHead&, std::string&, bool) override {
    session->submit_response(stream, 200, fields, false);
    session->send_body(stream, body, true);
    session->release(stream);
  }
  void on_bad_request(StreamId, const BadRequest&) override {}
  void on_body(StreamId, std::string_view, bool) override {}
  void on_trailers(StreamId, http::Fields&, std::string&) override {}
  void on_reset(StreamId, const Reset&) override {}
  void on_writable(StreamId) override {}
  void on_stream_closed(StreamId) override {}
  void on_goaway(StreamId, ErrorCode) override {}
  void on_ping_ack(std::uint64_t) override {}
  void on_flood(Flood) override {}
  ServerSession* session = nullptr;
  std::string body;
  http::Fields fields = {field("content-type", "text/html"),
                         field("content-length", "1024"),
                         field("cache-control", "max-age=60"),
                         field("etag", "\"5f3a1c\""),
                         field("date", "Sat, 01 Jan 2022 00:00:00 GMT"),
                         field("server", "x")};
};

class Client final : public ClientEvents {
 public:
  void on_response(StreamId, http::ResponseHead&, std::string&, bool) override {}
  void on_body(StreamId stream, std::string_view bytes, bool) override {
    session->consume(stream, bytes.size());
  }
  void on_trailers(StreamId, http::Fields&, std::string&) override {}
  void on_reset(StreamId, const Reset&) override {}
  void on_writable(StreamId) override {}
  void on_stream_closed(StreamId) override { ++done; }
  void on_goaway(StreamId, ErrorCode) override {}
  void on_ping_ack(std::uint64_t) override {}
  void on_flood(Flood) override {}
  void on_settings(const PeerSettings&) override {}
  ClientSession* session = nullptr;
  std::int64_t done = 0;
};

void exchange(Session& from, Session& to, std::string& wire, Instant now) {
  wire.clear();
  from.take_output(wire, 1 << 20);
  if (!wire.empty()) (void)to.feed(wire, now);
}

// Argument: body bytes. 32 streams at a time; an item is one request with its response, both ends
// together.
void BM_Exchange(benchmark::State& state) {
  Server at_server;
  Client at_client;
  ServerSession server(at_server, {});
  ClientSession client(at_client, {});
  at_server.session = &server;
  at_client.session = &client;
  at_server.body.assign(static_cast<std::size_t>(state.range(0)), 'x');
  at_server.fields[1].value = state.range(0) == 1024 ? "1024" : "16384";
  http::RequestHead head;
  head.method_text = "GET";
  head.scheme = "https";
  head.authority = "shop.example";
  head.target = "/index.html";
  head.fields = {field("user-agent", "bench"), field("accept", "*/*")};
  std::string wire;
  Instant now{};
  std::int64_t asked = 0;
  for (auto _ : state) {
    now = now + 1s;
    for (int i = 0; i < 32; ++i) asked += client.submit_request(head, true).has_value();
    while (at_client.done < asked) {
      exchange(client, server, wire, now);
      exchange(server, client, wire, now);
    }
  }
  state.SetItemsProcessed(asked);
  state.counters["idle_server_bytes"] = static_cast<double>(server.memory_bytes());
}
BENCHMARK(BM_Exchange)->Arg(1024)->Arg(16384);

}  // namespace
}  // namespace headgate::wire::http2
