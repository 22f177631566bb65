// The HTTP/2 side of a health check: a GET judged by its status, or grpc.health.v1.Health/Check
// judged by its answer.
#include <fmt/format.h>

#include "decide/health/active_check.h"
#include "roles/proxy/health_probe.h"
#include "wire/grpc/message.h"
#include "wire/grpc/status.h"
#include "wire/http2/client_session.h"

namespace headgate::proxy {

namespace {

namespace grpc = wire::grpc;
namespace http = wire::http;
namespace http2 = wire::http2;

constexpr std::size_t kBodyBytesMax = grpc::kPrefixBytes + grpc::kHealthMessageBytesMax;

class H2Exchange final : public ProbeExchange, public http2::ClientEvents {
 public:
  H2Exchange(const model::HealthCheck& check, const ProbeRequest& request)
      : check_(check), grpc_(check.kind == model::HealthCheck::Kind::kGrpc) {
    http::RequestHead head;
    head.method = grpc_ ? http::Method::kPost : http::Method::kGet;
    head.method_text = request.method;
    head.scheme = request.scheme;
    head.authority = request.authority;
    head.target = request.path;
    head.te_trailers = grpc_;
    head.fields.push_back({"user-agent", "headgate-health-check", http::FieldId::kUserAgent});
    if (grpc_)
      head.fields.push_back({"content-type", "application/grpc", http::FieldId::kContentType});
    const auto stream = session_.submit_request(head, !grpc_);
    if (!stream) {
      decide(false, stream.error().message);
    } else if (grpc_) {
      send_question(*stream, check.grpc_service);
    }
  }

  void take_output(std::string& out) override { session_.take_output(out, SIZE_MAX); }

  void feed(std::string_view bytes, Instant now) override {
    if (const auto fed = session_.feed(bytes, now); !fed) decide(false, fed.error().message);
    if (session_.is_over()) on_end();
  }

  void on_end() override { decide(false, "connection closed before the response was complete"); }

  void on_response(http2::StreamId, http::ResponseHead& head, std::string&, bool end) override {
    if (http::is_interim(head.status)) return;
    if (!grpc_) return judge_status(head.status);
    if (head.status != 200) return decide(false, fmt::format("status {}", head.status));
    if (end) judge_grpc(head.fields);
  }

  void on_body(http2::StreamId stream, std::string_view bytes, bool end) override {
    session_.consume(stream, bytes.size());
    if (body_.size() + bytes.size() > kBodyBytesMax)
      return decide(false, "the gRPC answer is too long");
    body_ += bytes;
    if (end) decide(false, "the gRPC answer ended without a status");
  }

  void on_trailers(http2::StreamId, http::Fields& fields, std::string&) override {
    judge_grpc(fields);
  }
  void on_reset(http2::StreamId, const http2::Reset& reset) override {
    decide(false, fmt::format("stream reset: {} {}", http2::to_string(reset.code), reset.reason));
  }
  void on_flood(http2::Flood) override { decide(false, "the endpoint floods the connection"); }
  void on_writable(http2::StreamId) override {}
  void on_stream_closed(http2::StreamId) override {}
  void on_goaway(http2::StreamId, http2::ErrorCode) override {
  }  // the stream says what became of it
  void on_ping_ack(std::uint64_t) override {}
  void on_settings(const http2::PeerSettings&) override {}

 private:
  void send_question(http2::StreamId stream, std::string_view service) {
    std::string message, framed;
    grpc::append_health_request(message, service);
    grpc::append_framed(framed, message);
    session_.send_body(stream, framed, true);
  }

  void judge_status(int status) {
    decide(decide::health::status_passes(check_, status), fmt::format("status {}", status));
  }

  void judge_grpc(const http::Fields& trailers) {
    const http::Field* field = http::find(trailers, http::FieldId::kGrpcStatus);
    const auto status = field ? grpc::parse_status(field->value) : std::nullopt;
    if (!status) return decide(false, "the answer has no grpc-status");
    if (*status != grpc::StatusCode::kOk)
      return decide(false, fmt::format("gRPC status {}", grpc::name_of(*status)));
    const grpc::Message message = grpc::parse_message(body_, grpc::kHealthMessageBytesMax);
    if (message.state != grpc::Message::State::kMessage || message.compressed) {
      return decide(false, "the gRPC answer is malformed");
    }
    const auto serving = grpc::parse_health_response(message.payload);
    if (!serving) return decide(false, "the gRPC answer is malformed");
    const bool well = *serving == grpc::Serving::kServing;
    decide(well, well ? "SERVING" : fmt::format("gRPC health {}", static_cast<int>(*serving)));
  }

  http2::ClientSession session_{*this, http2::Limits{}};
  std::string body_;
  const model::HealthCheck& check_;
  bool grpc_;
};

}  // namespace

std::unique_ptr<ProbeExchange> make_h2_exchange(const model::HealthCheck& check,
                                                const ProbeRequest& request) {
  return std::make_unique<H2Exchange>(check, request);
}

}  // namespace headgate::proxy
