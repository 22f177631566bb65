// The HTTP/1.1 side of a health check: one GET, judged by the status of the final response. The
// body is not read.
#include <fmt/format.h>

#include "decide/health/active_check.h"
#include "roles/proxy/health_probe.h"
#include "wire/http1/head.h"
#include "wire/http1/writer.h"

namespace headgate::proxy {

namespace {

constexpr wire::http1::HeadLimits kLimits{};
constexpr int kInterimMax = 16;

class H1Exchange final : public ProbeExchange {
 public:
  H1Exchange(const model::HealthCheck& check, const ProbeRequest& request) : check_(check) {
    wire::http1::append_request_line(request_, request.method, request.path);
    wire::http1::append_field(request_, "host", request.authority);
    wire::http1::append_field(request_, "user-agent", "headgate-health-check");
    wire::http1::append_field(request_, "connection", "close");
    request_ += wire::http1::kCrlf;
  }

  void take_output(std::string& out) override {
    out += request_;
    request_.clear();
  }

  void feed(std::string_view bytes, Instant) override {
    in_ += bytes;
    while (!outcome_ && take_head()) {
    }
  }

  void on_end() override { decide(false, "connection closed before the response was complete"); }

 private:
  // True when an interim response was passed over.
  bool take_head() {
    const auto end = wire::http1::find_head_end(in_, scanned_, kLimits);
    if (!end) return broken(end.error().reason);
    if (!*end) return false;
    wire::http::ResponseHead head;
    const auto parsed = wire::http1::parse_response_head(std::string_view(in_).substr(0, **end),
                                                         wire::http::Method::kGet, kLimits, head);
    if (!parsed) return broken(parsed.error().reason);
    if (wire::http::is_interim(head.status)) {
      if (++interims_ > kInterimMax) return broken("too many interim responses");
      in_.erase(0, **end);
      scanned_ = 0;
      return true;
    }
    decide(decide::health::status_passes(check_, head.status),
           fmt::format("status {}", head.status));
    return false;
  }

  bool broken(std::string_view reason) {
    decide(false, fmt::format("malformed response: {}", reason));
    return false;
  }

  std::string request_, in_;
  std::size_t scanned_ = 0;
  int interims_ = 0;
  const model::HealthCheck& check_;
};

}  // namespace

std::unique_ptr<ProbeExchange> make_h1_exchange(const model::HealthCheck& check,
                                                const ProbeRequest& request) {
  return std::make_unique<H1Exchange>(check, request);
}

}  // namespace headgate::proxy
