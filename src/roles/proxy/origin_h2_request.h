#pragma once
// One request on an HTTP/2 connection to an origin. Belongs to an OriginH2, which reuses it.
// Worker thread.
#include <cstdint>
#include <memory>

#include "base/list.h"
#include "roles/proxy/origin.h"
#include "roles/proxy/websocket_bridge.h"
#include "wire/http2/events.h"

namespace headgate::proxy {

class OriginH2;

struct UnsettledTag;  // its send buffer is above the low mark
struct TouchedTag;    // its receiver was told something in this readiness

class OriginH2Request final : public OriginStream,
                              public ListNode<UnsettledTag>,
                              public ListNode<TouchedTag> {
 public:
  explicit OriginH2Request(OriginH2& connection) : connection_(connection) {}

  void attach(OriginReceiver& receiver, bool reused);

  // From the connection, once for each event of the codec.
  void on_response(wire::http::ResponseHead& head, bool end);
  void on_body(std::string_view bytes, bool end);
  void on_trailers(const wire::http::Fields& fields);
  void on_settings();
  void fail(OriginFailure::Kind kind, std::string_view detail);
  // send_head() could not send: told outside of it, since its caller goes on.
  void fail_if_unsendable();
  // True: its send buffer is low.
  bool settle();
  void tell_idle();

  bool attached() const { return receiver_ != nullptr; }
  wire::http2::StreamId id() const { return id_; }

  void send_head(const wire::http::RequestHead& head, bool end) override;
  void send_body(std::string_view bytes, bool end) override;
  void send_trailers(const wire::http::Fields& fields) override;
  void flush() override;
  std::size_t buffered_bytes() const override;
  void want_response_body(bool wanted) override;
  void cancel() override;

 private:
  void submit(const wire::http::RequestHead& head, bool end);
  void credit(std::size_t bytes);
  void deliver(OriginReceiver& receiver, std::string_view bytes, bool end);
  OriginReceiver* detach();

  OriginH2& connection_;
  OriginReceiver* receiver_ = nullptr;
  std::unique_ptr<ConnectRequest> connect_;  // WebSocket alone
  wire::http2::StreamId id_ = 0;             // 0: not sent
  std::size_t withheld_ = 0;                 // credit
  const char* unsendable_ = nullptr;
  OriginFailure::Kind unsendable_kind_ = OriginFailure::Kind::kRefused;
  bool reused_ = false, wanted_ = true, waits_for_settings_ = false;
  bool input_ended_ = false, output_ended_ = false, tunnel_ = false;
};

}  // namespace headgate::proxy
