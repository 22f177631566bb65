#pragma once
// For tests: an origin on loopback, on the loop of the test, that answers every health check as it
// is told.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "io/loop.h"
#include "io/outbox.h"
#include "io/socket.h"
#include "io/stream.h"
#include "io/tls/handshake_facts.h"
#include "io/tls/server_context.h"
#include "wire/grpc/message.h"
#include "wire/http2/server_session.h"

namespace headgate::proxy::testing {

class CheckedServer : public io::EventHandler {
 public:
  enum class Speaks { kText, kHttp2 };
  explicit CheckedServer(io::Loop& loop, const std::string& address = "127.0.0.1",
                         std::uint16_t port = 0)
      : loop_(loop), fd_(io::listen_tcp(address, port).value()) {
    EXPECT_TRUE(loop.add(fd_.get(), EPOLLIN, *this));
  }
  std::uint16_t port() const { return io::local_endpoint(fd_.get()).port; }

  Speaks speaks = Speaks::kText;
  std::string reply = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";  // empty: never answers
  bool closes = false;                                                 // at once, without an answer
  int status = 200;                                                    // HTTP/2
  bool grpc = false;  // HTTP/2: answers as the gRPC health service
  wire::grpc::Serving serving = wire::grpc::Serving::kServing;
  std::string grpc_status = "0";
  std::shared_ptr<io::tls::ServerContext> tls;  // null: plain
  std::size_t header_bytes = 0;                 // of a PROXY header in front

  int accepted = 0;
  std::string received;               // of the last connection, decrypted, as it came
  std::vector<std::string> requests;  // HTTP/2: "GET http host /path"
  std::string body;                   // HTTP/2, of the last request

  void on_io(std::uint32_t) override {
    while (auto next = io::accept_stream(fd_.get())) {
      ++accepted;
      received.clear();
      if (closes) continue;
      connections_.push_back(std::make_unique<Connection>(*this, std::move(next->fd)));
      EXPECT_TRUE(
          loop_.add(connections_.back()->stream.fd(), io::Loop::kBoth, *connections_.back()));
    }
  }

 private:
  struct Connection : io::EventHandler, wire::http2::ServerEvents {
    Connection(CheckedServer& s, io::Fd fd)
        : server(s), to_skip(s.header_bytes), stream(std::move(fd)) {}

    void on_io(std::uint32_t) override {
      while (stream.valid() && skip_header() && (!server.tls || shake())) {
        char buffer[4096];
        const io::Transfer transfer = stream.read(buffer, sizeof buffer);
        if (transfer.state == io::Transfer::State::kWouldBlock) return;
        if (transfer.state != io::Transfer::State::kDone) return stream.close();
        take({buffer, transfer.bytes});
      }
    }
    bool skip_header() {  // comes before TLS
      while (to_skip > 0) {
        char byte = 0;
        if (stream.read(&byte, 1).state != io::Transfer::State::kDone) return false;
        server.received += byte;
        --to_skip;
      }
      return true;
    }
    bool shake() {
      if (!stream.is_tls()) stream = io::Stream(stream.take_fd(), server.tls->accept());
      return stream.handshake() == io::Transfer::State::kDone;
    }
    void take(std::string_view bytes) {
      server.received += bytes;
      if (server.speaks == Speaks::kHttp2) {
        EXPECT_TRUE(session.feed(bytes, Instant{}));
        session.take_output(out.text(), SIZE_MAX);
      } else if (!replied && server.received.find("\r\n\r\n") != std::string::npos) {
        replied = true;
        out.text() += server.reply;
      }
      out.flush(stream);
    }

    void on_request(wire::http2::StreamId id, wire::http::RequestHead& head, std::string&,
                    bool end) override {
      server.body.clear();
      server.requests.push_back(std::string(head.method_text) + ' ' + std::string(head.scheme) +
                                ' ' + std::string(head.authority) + ' ' + std::string(head.target));
      if (end) answer(id);
    }
    void on_body(wire::http2::StreamId id, std::string_view bytes, bool end) override {
      server.body += bytes;
      session.consume(id, bytes.size());
      if (end) answer(id);
    }
    void answer(wire::http2::StreamId id) {
      if (!server.grpc) return session.submit_response(id, server.status, {}, true);
      session.submit_response(id, server.status, {{"content-type", "application/grpc"}}, false);
      std::string message, framed;
      wire::grpc::append_health_response(message, server.serving);
      wire::grpc::append_framed(framed, message);
      session.send_body(id, framed, false);
      session.submit_trailers(
          id, {{"grpc-status", server.grpc_status, wire::http::FieldId::kGrpcStatus}});
    }
    void on_bad_request(wire::http2::StreamId, const wire::http2::BadRequest& bad) override {
      ADD_FAILURE() << bad.reason;
    }
    void on_trailers(wire::http2::StreamId, wire::http::Fields&, std::string&) override {}
    void on_reset(wire::http2::StreamId, const wire::http2::Reset&) override {}
    void on_writable(wire::http2::StreamId) override {}
    void on_stream_closed(wire::http2::StreamId id) override { session.release(id); }
    void on_goaway(wire::http2::StreamId, wire::http2::ErrorCode) override {}
    void on_ping_ack(std::uint64_t) override {}
    void on_flood(wire::http2::Flood) override {}

    CheckedServer& server;
    std::size_t to_skip;
    bool replied = false;
    io::Stream stream;
    io::Outbox out;
    wire::http2::ServerSession session{*this, wire::http2::Limits{}};
  };

  io::Loop& loop_;
  io::Fd fd_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace headgate::proxy::testing
