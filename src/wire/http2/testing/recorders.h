#pragma once
// For tests alone: receivers that write down what a session told them, and can be given something
// to do.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "wire/http2/client_session.h"
#include "wire/http2/server_session.h"

namespace headgate::wire::http2::testing {

// What came in on one stream.
struct Exchange {
  http::RequestHead request;
  http::ResponseHead response;
  std::string storage;
  std::vector<int> interims;
  std::string body;
  std::string trailers;  // "name: value\n"
  std::optional<Reset> reset;
  int bad_status = 0;
  std::string bad_reason;
  int heads = 0, writables = 0, ends = 0, closes = 0;
};

template <typename Base>
class Recorder : public Base {
 public:
  void on_body(StreamId stream, std::string_view bytes, bool end_stream) override {
    streams[stream].body += bytes;
    streams[stream].ends += end_stream;
    if (consumer) consumer->consume(stream, bytes.size());
  }
  void on_trailers(StreamId stream, http::Fields& fields, std::string&) override {
    for (const auto& f : fields)
      streams[stream].trailers += std::string(f.name) + ": " + std::string(f.value) + "\n";
    ++streams[stream].ends;
  }
  void on_reset(StreamId stream, const Reset& reset) override { streams[stream].reset = reset; }
  void on_writable(StreamId stream) override { ++streams[stream].writables; }
  void on_stream_closed(StreamId stream) override { ++streams[stream].closes; }
  void on_goaway(StreamId last, ErrorCode code) override { goaway_last = last, goaway_code = code; }
  void on_ping_ack(std::uint64_t opaque) override { pings.push_back(opaque); }
  void on_flood(Flood kind) override { flood = kind; }

  std::map<StreamId, Exchange> streams;
  std::optional<StreamId> goaway_last;
  std::optional<ErrorCode> goaway_code;
  std::optional<Flood> flood;
  std::vector<std::uint64_t> pings;
  Session* consumer = nullptr;  // gives credit back at once
};

class ServerRecorder : public Recorder<ServerEvents> {
 public:
  void on_request(StreamId stream, http::RequestHead& head, std::string& storage,
                  bool end_stream) override {
    Exchange& e = streams[stream];
    e.request = std::move(head);
    e.storage = std::move(storage);
    e.ends += end_stream;
    ++e.heads;
    order.push_back(stream);
  }
  void on_bad_request(StreamId stream, const BadRequest& bad) override {
    streams[stream].bad_status = bad.status;
    streams[stream].bad_reason = bad.reason;
  }
  std::vector<StreamId> order;
};

class ClientRecorder : public Recorder<ClientEvents> {
 public:
  void on_response(StreamId stream, http::ResponseHead& head, std::string& storage,
                   bool end_stream) override {
    Exchange& e = streams[stream];
    if (http::is_interim(head.status)) return e.interims.push_back(head.status);
    e.response = std::move(head);
    e.storage = std::move(storage);
    e.ends += end_stream;
    ++e.heads;
  }
  void on_settings(const PeerSettings& peer) override { settings = peer; }
  std::optional<PeerSettings> settings;
};

// Both ends in memory. Bytes move when run() is called, in pieces whose sizes `cut` chooses.
template <typename Cut>
void carry(Session& from, Session& to, Instant now, std::size_t output_max, Cut cut) {
  std::string bytes;
  from.take_output(bytes, output_max);
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t n = std::min<std::size_t>(bytes.size() - at, cut());
    if (!to.feed(std::string_view(bytes).substr(at, n), now)) return;
    at += n;
  }
}

struct Loopback {
  ServerRecorder at_server;
  ClientRecorder at_client;
  ServerSession server;
  ClientSession client;
  Instant now{};

  explicit Loopback(const Limits& server_limits = {}, const Limits& client_limits = {})
      : server(at_server, server_limits), client(at_client, client_limits) {}
  void run() {
    for (int i = 0; i < 1000 && (client.wants_write() || server.wants_write()); ++i) {
      carry(client, server, now, 1 << 20, [] { return std::size_t{1} << 20; });
      carry(server, client, now, 1 << 20, [] { return std::size_t{1} << 20; });
    }
  }
  static http::RequestHead head(std::string_view method = "GET", std::string_view path = "/") {
    http::RequestHead head;
    head.method = http::parse_method(method);
    head.method_text = method;
    head.scheme = "https";
    head.authority = "shop.example";
    head.target = path;
    head.version = http::Version::k2;
    return head;
  }
};

// A server that is fed frames by hand.
struct BareServer {
  ServerRecorder events;
  ServerSession session;
  Instant now{};
  std::string output;

  explicit BareServer(const Limits& limits = {}, bool preface = true) : session(events, limits) {
    if (preface)
      feed(std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") + std::string("\0\0\0\4\0\0\0\0\0", 9));
  }
  Status feed(std::string_view bytes) { return session.feed(bytes, now); }
  // What it sends now.
  std::string take() {
    std::string out;
    session.take_output(out, 1 << 24);
    return out;
  }
};

}  // namespace headgate::wire::http2::testing
