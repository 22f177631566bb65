#include "roles/proxy/websocket_bridge.h"

#include "wire/base64/base64.h"
#include "wire/websocket/websocket.h"

namespace headgate::proxy {

namespace http = wire::http;
namespace websocket = wire::websocket;
using http::FieldId;

bool is_extended_connect(const http::RequestHead& head) {
  return head.method == http::Method::kConnect && !head.protocol.empty();
}

UpgradeRequest::UpgradeRequest(const http::RequestHead& original, const std::array<char, 16>& nonce)
    : head_(original), key_(wire::base64::encode({nonce.data(), nonce.size()})) {
  head_.method = http::Method::kGet;
  head_.method_text = "GET";
  head_.framing = {};
  std::erase_if(head_.fields, [](const http::Field& field) {
    return field.id == FieldId::kSecWebsocketKey || field.id == FieldId::kContentLength;
  });
  head_.fields.push_back({"sec-websocket-key", key_, FieldId::kSecWebsocketKey});
  if (!http::find(head_.fields, FieldId::kSecWebsocketVersion))
    head_.fields.push_back({"sec-websocket-version", "13", FieldId::kSecWebsocketVersion});
}

bool UpgradeRequest::accepts(const http::ResponseHead& answer) const {
  const http::Field* accept = http::find(answer.fields, FieldId::kSecWebsocketAccept);
  return accept && accept->value == websocket::accept_of(key_);
}

ConnectRequest::ConnectRequest(const http::RequestHead& original) : head_(original) {
  std::size_t bytes = original.scheme.size() + original.authority.size() + original.target.size() +
                      original.protocol.size();
  for (const http::Field& field : original.fields) bytes += field.name.size() + field.value.size();
  text_.reserve(bytes + 1);  // never grows below: views into it stay
  const auto keep = [this](std::string_view& view) {
    const std::size_t at = text_.size();
    text_ += view;
    view = std::string_view(text_).substr(at);
  };
  const bool upgrade = !is_extended_connect(original);
  if (upgrade) {
    const http::Field* key = http::find(original.fields, FieldId::kSecWebsocketKey);
    accept_ = websocket::accept_of(key ? key->value : std::string_view());
  }
  head_.method = http::Method::kConnect;
  head_.method_text = "CONNECT";
  head_.framing = {};
  std::erase_if(head_.fields, [](const http::Field& field) {
    return field.id == FieldId::kSecWebsocketKey || field.id == FieldId::kContentLength;
  });
  keep(head_.scheme);
  keep(head_.authority);
  keep(head_.target);
  keep(head_.protocol);
  for (http::Field& field : head_.fields) {
    keep(field.name);
    keep(field.value);
  }
}

void ConnectRequest::translate(http::ResponseHead& answer) const {
  if (answer.status / 100 != 2) return;
  answer.status = 101;
  answer.protocol = head_.protocol;
  std::erase_if(answer.fields,
                [](const http::Field& f) { return f.id == FieldId::kSecWebsocketAccept; });
  if (accept_.empty()) return;
  answer.fields.push_back({"sec-websocket-accept", accept_, FieldId::kSecWebsocketAccept});
}

int tunnel_status_for_h2(int status) { return status == 101 ? 200 : status; }

void append_tunnel_fields_for_h2(const http::Fields& fields, http::Fields& out) {
  for (const http::Field& field : fields)
    if (field.id != FieldId::kSecWebsocketAccept) out.push_back(field);
}

}  // namespace headgate::proxy
