#include "wire/http/field.h"

#include <gtest/gtest.h>

#include <string>

#include "base/ascii.h"
#include "wire/http/connection_options.h"

namespace headgate::wire::http {
namespace {

FieldId naive_id(std::string_view name) {
  for (int i = 1; i < static_cast<int>(FieldId::kCount); ++i)
    if (equals_ignore_case(name, name_of(static_cast<FieldId>(i)))) return static_cast<FieldId>(i);
  return FieldId::kOther;
}

std::string upper(std::string_view s) {
  std::string out(s);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return out;
}

TEST(FieldId, EveryNameIsFoundInEveryCase) {
  for (int i = 1; i < static_cast<int>(FieldId::kCount); ++i) {
    const auto id = static_cast<FieldId>(i);
    ASSERT_FALSE(name_of(id).empty()) << i;
    EXPECT_EQ(to_lower(name_of(id)), name_of(id));
    EXPECT_EQ(field_id(name_of(id)), id) << name_of(id);
    EXPECT_EQ(field_id(upper(name_of(id))), id) << name_of(id);
  }
}

TEST(FieldId, NamesStandAtTheirOwnPlace) {
  EXPECT_EQ(name_of(FieldId::kAccept), "accept");
  EXPECT_EQ(name_of(FieldId::kAge), "age");
  EXPECT_EQ(name_of(FieldId::kContentLength), "content-length");
  EXPECT_EQ(name_of(FieldId::kHost), "host");
  EXPECT_EQ(name_of(FieldId::kHttp2Settings), "http2-settings");
  EXPECT_EQ(name_of(FieldId::kProxyConnection), "proxy-connection");
  EXPECT_EQ(name_of(FieldId::kSetCookie), "set-cookie");
  EXPECT_EQ(name_of(FieldId::kTe), "te");
  EXPECT_EQ(name_of(FieldId::kTransferEncoding), "transfer-encoding");
  EXPECT_EQ(name_of(FieldId::kWwwAuthenticate), "www-authenticate");
  EXPECT_EQ(name_of(FieldId::kXRequestId), "x-request-id");
}

TEST(FieldId, OneChangedByteAnywhereIsDecidedAsByComparingWithEveryName) {
  for (int i = 1; i < static_cast<int>(FieldId::kCount); ++i) {
    std::string name(name_of(static_cast<FieldId>(i)));
    for (char& c : name) {
      const char kept = c;
      for (int byte = 0; byte < 256; ++byte) {
        c = static_cast<char>(byte);
        ASSERT_EQ(field_id(name), naive_id(name)) << name << " byte " << byte;
      }
      c = kept;
    }
    EXPECT_EQ(field_id(name + "s"), naive_id(name + "s"));
    EXPECT_EQ(field_id(std::string_view(name).substr(1)),
              naive_id(std::string_view(name).substr(1)));
  }
}

TEST(FieldId, ShortLongAndEmptyNamesAreOther) {
  EXPECT_EQ(field_id(""), FieldId::kOther);
  EXPECT_EQ(field_id("x"), FieldId::kOther);
  EXPECT_EQ(field_id(std::string(1000, 'a')), FieldId::kOther);
}

TEST(FieldProperties, Rfc9110Section761HopByHopNames) {
  for (const char* name :
       {"connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade",
        "proxy-authenticate", "proxy-authorization", "http2-settings"})
    EXPECT_TRUE(is_hop_by_hop(field_id(name))) << name;
  for (const char* name : {"host", "trailer", "cookie", "content-length", "via", "x-other"})
    EXPECT_FALSE(is_hop_by_hop(field_id(name))) << name;
}

TEST(FieldProperties, Rfc9110Section651ForbiddenTrailers) {
  for (const char* name :
       {"content-length", "transfer-encoding", "host", "authorization", "cache-control",
        "set-cookie", "connection", "trailer", "x-forwarded-for", "te", "expect", "content-type"})
    EXPECT_TRUE(is_forbidden_trailer(field_id(name))) << name;
  for (const char* name : {"grpc-status", "grpc-message", "etag", "server-timing", "digest"})
    EXPECT_FALSE(is_forbidden_trailer(field_id(name))) << name;
}

TEST(ConnectionOptions, Row8AClientCannotDeleteEndToEndFields) {
  const Fields fields = {{"Connection", "close, X-Mine ,,Cookie", FieldId::kConnection},
                         {"connection", "x-forwarded-for", FieldId::kConnection}};
  EXPECT_TRUE(is_removed_by_connection(fields, {"x-mine", "1", FieldId::kOther}));
  EXPECT_FALSE(is_removed_by_connection(fields, {"x-other", "1", FieldId::kOther}));
  EXPECT_FALSE(is_removed_by_connection(fields, {"cookie", "1", FieldId::kCookie}));
  EXPECT_FALSE(is_removed_by_connection(fields, {"X-Forwarded-For", "1", FieldId::kXForwardedFor}));
  std::string seen;
  for_each_connection_option(fields,
                             [&](std::string_view option) { seen.append(option).append("|"); });
  EXPECT_EQ(seen, "close|X-Mine|Cookie|x-forwarded-for|");
}

TEST(Fields, FindsByIdAndByNameInAnyCase) {
  const Fields fields = {{"X-One", "1", FieldId::kOther}, {"ETag", "2", FieldId::kEtag}};
  ASSERT_NE(find(fields, FieldId::kEtag), nullptr);
  EXPECT_EQ(find(fields, FieldId::kEtag)->value, "2");
  ASSERT_NE(find(fields, "x-one"), nullptr);
  EXPECT_EQ(find(fields, "x-one")->value, "1");
  EXPECT_EQ(find(fields, "eTAG")->value, "2");
  EXPECT_EQ(find(fields, "x-two"), nullptr);
  EXPECT_EQ(find(fields, FieldId::kHost), nullptr);
}

}  // namespace
}  // namespace headgate::wire::http
