#include "roles/proxy/websocket_bridge.h"

#include <gtest/gtest.h>

#include "wire/websocket/websocket.h"

namespace headgate::proxy {
namespace {

namespace http = wire::http;
using http::FieldId;

http::RequestHead connect_head() {
  http::RequestHead head;
  head.method = http::Method::kConnect;
  head.method_text = "CONNECT";
  head.scheme = "https";
  head.authority = "shop.example";
  head.target = "/chat?room=1";
  head.protocol = "websocket";
  head.version = http::Version::k2;
  head.framing.kind = http::Framing::Kind::kStream;
  head.fields = {{"sec-websocket-version", "13", FieldId::kSecWebsocketVersion},
                 {"origin", "https://shop.example", FieldId::kOrigin}};
  return head;
}

http::RequestHead upgrade_head() {
  http::RequestHead head = connect_head();
  head.method = http::Method::kGet;
  head.method_text = "GET";
  head.version = http::Version::k11;
  head.framing = {};
  // The key and accept value of RFC 6455 §1.3.
  head.fields.push_back(
      {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==", FieldId::kSecWebsocketKey});
  return head;
}

std::string_view value_of(const http::Fields& fields, FieldId id) {
  const http::Field* field = http::find(fields, id);
  return field ? field->value : "";
}

TEST(WebsocketBridge, AnExtendedConnectBecomesAGetWithAKeyOfItsOwn) {
  const http::RequestHead connect = connect_head();
  const UpgradeRequest request(connect, {1, 2, 3});
  EXPECT_EQ(request.head().method_text, "GET");
  EXPECT_EQ(request.head().target, "/chat?room=1");
  EXPECT_EQ(request.head().protocol, "websocket");
  EXPECT_EQ(request.head().framing.kind, http::Framing::Kind::kNone);
  EXPECT_TRUE(
      wire::websocket::is_valid_key(value_of(request.head().fields, FieldId::kSecWebsocketKey)));
  EXPECT_EQ(value_of(request.head().fields, FieldId::kSecWebsocketVersion), "13");
  EXPECT_EQ(value_of(request.head().fields, FieldId::kOrigin), "https://shop.example");
}

TEST(WebsocketBridge, AnAnswerCountsOnlyWithTheAcceptValueOfTheKey) {
  const http::RequestHead connect = connect_head();
  const UpgradeRequest request(connect, {1, 2, 3});
  const std::string right =
      wire::websocket::accept_of(value_of(request.head().fields, FieldId::kSecWebsocketKey));
  http::ResponseHead answer;
  answer.status = 101;
  EXPECT_FALSE(request.accepts(answer));
  answer.fields = {
      {"sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", FieldId::kSecWebsocketAccept}};
  EXPECT_FALSE(request.accepts(answer));
  answer.fields[0].value = right;
  EXPECT_TRUE(request.accepts(answer));
}

TEST(WebsocketBridge, AnUpgradeBecomesAnExtendedConnectThatOutlivesItsOriginal) {
  auto text = std::make_unique<std::string>("/a/very/long/path/that/lives/elsewhere");
  http::RequestHead upgrade = upgrade_head();
  upgrade.target = *text;
  const ConnectRequest request(upgrade);
  text.reset();
  upgrade.fields.clear();
  EXPECT_EQ(request.head().method, http::Method::kConnect);
  EXPECT_EQ(request.head().method_text, "CONNECT");
  EXPECT_EQ(request.head().target, "/a/very/long/path/that/lives/elsewhere");
  EXPECT_EQ(value_of(request.head().fields, FieldId::kSecWebsocketKey), "");
  EXPECT_EQ(value_of(request.head().fields, FieldId::kOrigin), "https://shop.example");
}

TEST(WebsocketBridge, A2xxToAnUpgradeBecomes101WithTheAcceptValueOfTheClientsKey) {
  const ConnectRequest request(upgrade_head());
  http::ResponseHead answer;
  answer.status = 200;
  request.translate(answer);
  EXPECT_EQ(answer.status, 101);
  EXPECT_EQ(value_of(answer.fields, FieldId::kSecWebsocketAccept), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebsocketBridge, ARefusalStaysAsItIs) {
  const ConnectRequest request(upgrade_head());
  http::ResponseHead answer;
  answer.status = 403;
  request.translate(answer);
  EXPECT_EQ(answer.status, 403);
  EXPECT_TRUE(answer.fields.empty());
}

TEST(WebsocketBridge, AnHttp2ClientSees200WithoutAnAcceptValue) {
  http::Fields out;
  append_tunnel_fields_for_h2({{"sec-websocket-accept", "x", FieldId::kSecWebsocketAccept},
                               {"sec-websocket-protocol", "chat", FieldId::kOther}},
                              out);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].value, "chat");
  EXPECT_EQ(tunnel_status_for_h2(101), 200);
  EXPECT_EQ(tunnel_status_for_h2(204), 204);
}

}  // namespace
}  // namespace headgate::proxy
