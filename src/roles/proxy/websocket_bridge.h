#pragma once
// WebSocket between HTTP versions: GET with Upgrade and 101 in HTTP/1.1 (RFC 6455 §4), CONNECT with
// :protocol and 2xx in HTTP/2 (RFC 8441 §5). Values without I/O.
// Who translates: an exchange carries the request in the form its client used. A connection to an
// origin of the other version translates when it sends the head, and hands the answer on as 101,
// the form that starts a tunnel in an exchange; an HTTP/2 client's stream turns 101 into 200.
#include <array>
#include <cstdint>
#include <string>

#include "wire/http/message.h"

namespace headgate::proxy {

// The form of HTTP/2; false for plain CONNECT and for Upgrade.
bool is_extended_connect(const wire::http::RequestHead& head);

// For an HTTP/1.1 origin: an extended CONNECT as GET with Upgrade. OriginH1 makes one when
// is_extended_connect(head), sends head() instead, and refuses a 101 for which accepts() is false.
class UpgradeRequest {
 public:
  // `nonce` makes the key; it needs to differ between requests, not to be secret.
  // `original` and its storage live until the request was sent.
  UpgradeRequest(const wire::http::RequestHead& original, const std::array<char, 16>& nonce);
  UpgradeRequest(const UpgradeRequest&) = delete;  // head_ has views into key_
  UpgradeRequest& operator=(const UpgradeRequest&) = delete;

  const wire::http::RequestHead& head() const { return head_; }
  bool accepts(const wire::http::ResponseHead& answer) const;

 private:
  wire::http::RequestHead head_;
  std::string key_;
};

// For an HTTP/2 origin: either form as extended CONNECT. Copies all text, so that it can wait for
// the origin's SETTINGS.
class ConnectRequest {
 public:
  explicit ConnectRequest(const wire::http::RequestHead& original);
  ConnectRequest(const ConnectRequest&) = delete;  // head_ has views into text_
  ConnectRequest& operator=(const ConnectRequest&) = delete;

  const wire::http::RequestHead& head() const { return head_; }
  // Gives an answer that opens the tunnel (2xx) the form of 101, with the accept value that belongs
  // to the key of an Upgrade. Other answers stay.
  void translate(wire::http::ResponseHead& answer) const;

 private:
  std::string text_;
  std::string accept_;  // empty: the client used CONNECT
  wire::http::RequestHead head_;
};

// The response head that opens a tunnel, for an HTTP/2 client: no 101 and no accept value there.
int tunnel_status_for_h2(int status);
void append_tunnel_fields_for_h2(const wire::http::Fields& fields, wire::http::Fields& out);

}  // namespace headgate::proxy
