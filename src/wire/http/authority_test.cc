#include "wire/http/authority.h"

#include <gtest/gtest.h>

#include "wire/http/element_list.h"
#include "wire/http/message.h"
#include "wire/http/text.h"

namespace headgate::wire::http {
namespace {

TEST(Authority, Rfc3986Section32HostAndPortAreSplit) {
  auto a = parse_authority("Shop.Example:8080");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->host, "Shop.Example");
  EXPECT_EQ(a->port, 8080);
  EXPECT_EQ(a->kind, Authority::Kind::kName);
  a = parse_authority("[2001:db8::1]:443");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->host, "2001:db8::1");
  EXPECT_EQ(a->port, 443);
  EXPECT_EQ(a->kind, Authority::Kind::kIpv6);
  a = parse_authority("127.0.0.1");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->kind, Authority::Kind::kIpv4);
  EXPECT_FALSE(a->port);
}

TEST(Authority, UsualNamesAreAccepted) {
  for (const char* text : {"a", "a.b", "a.", "xn--nxasmq6b.example", "_dmarc.example", "a-b.c_d",
                           "1.2.3.4.example", "[::]", "[::ffff:1.2.3.4]", "a:1", "a:65535", "1a"})
    EXPECT_TRUE(parse_authority(text)) << text;
}

TEST(Authority, Row15InvalidHostsAreRefused) {
  for (const char* text : {"",       ":",          ":80",       "a:",
                           "a:0",    "a:65536",    "a:080080",  "a:+1",
                           "a:8 0",  "a:80:80",    "u@a",       "u:p@a",
                           "a,b",    "a b",        " a",        "a/",
                           "a?b",    "a#b",        "a\\b",      "a%41",
                           "a..b",   ".a",         "a\tb",      "\xc3\xa9",
                           "[::1",   "::1",        "[]",        "[::1]x",
                           "[::1]:", "[1.2.3.4]",  "[v1.x]",    "[fe80::1%25eth0]",
                           "127.1",  "2130706433", "1.2.3.256", "1.2.3.04",
                           "1.2.3",  "1.2.3.4.5",  "1.2.3.4.",  "a*b",
                           "*"})
    EXPECT_FALSE(parse_authority(text)) << text;
  EXPECT_FALSE(parse_authority(std::string_view("a\0b", 3)));
  EXPECT_FALSE(parse_authority(std::string_view("[::1\0]", 6)));
  EXPECT_TRUE(parse_authority(std::string(kHostBytesMax, 'a')));
  EXPECT_FALSE(parse_authority(std::string(kHostBytesMax + 1, 'a')));
}

TEST(Authority, LowerCaseCopiesOnlyWhenNeeded) {
  std::string storage;
  const std::string_view plain = "shop.example";
  EXPECT_EQ(lower_host(plain, storage).data(), plain.data());
  EXPECT_EQ(lower_host("Shop.EXAMPLE", storage), "shop.example");
}

TEST(Text, Rfc9110Section562TokensAreTchars) {
  std::string tchars;
  for (int c = 0; c < 256; ++c)
    if (is_token(std::string(1, static_cast<char>(c)))) tchars += static_cast<char>(c);
  EXPECT_EQ(tchars,
            "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~");
  EXPECT_FALSE(is_token(""));
  EXPECT_FALSE(is_token("a b"));
}

TEST(Text, Rfc9110Section55FieldValuesHoldNoControls) {
  for (int c = 0; c < 256; ++c)
    EXPECT_EQ(is_field_value(std::string(1, static_cast<char>(c))),
              c == '\t' || (c >= 0x20 && c != 0x7f))
        << c;
  EXPECT_TRUE(is_field_value(""));
}

TEST(ElementList, Rfc9110Section561ElementsAreTrimmedAndEmptyOnesSeen) {
  ElementList list(" a ,, b\t,c,");
  std::string seen;
  for (std::string_view element; list.next(element);) seen.append(element).append("|");
  EXPECT_EQ(seen, "a||b|c||");
}

TEST(Method, NamesAreCaseSensitiveAndUnknownOnesAreOther) {
  EXPECT_EQ(parse_method("GET"), Method::kGet);
  EXPECT_EQ(parse_method("CONNECT"), Method::kConnect);
  EXPECT_EQ(parse_method("PATCH"), Method::kPatch);
  EXPECT_EQ(parse_method("get"), Method::kOther);
  EXPECT_EQ(parse_method("GETX"), Method::kOther);
  EXPECT_EQ(parse_method(""), Method::kOther);
  EXPECT_EQ(to_string(Version::k10), "HTTP/1.0");
}

TEST(Method, Rfc9110Section92SafeAndIdempotent) {
  EXPECT_TRUE(is_safe(Method::kHead) && is_idempotent(Method::kHead));
  EXPECT_TRUE(!is_safe(Method::kPut) && is_idempotent(Method::kPut) &&
              is_idempotent(Method::kDelete));
  EXPECT_FALSE(is_idempotent(Method::kPost) || is_idempotent(Method::kPatch) ||
               is_idempotent(Method::kConnect));
  EXPECT_FALSE(is_safe(Method::kOther) || is_idempotent(Method::kOther));
}

TEST(Method, SafeAreThoseThatTheRegistrySaysAre) {
  for (const std::string_view safe :
       {"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT", "SEARCH", "TRACE"})
    EXPECT_TRUE(is_safe(parse_method(safe)) && is_idempotent(parse_method(safe))) << safe;
  for (const std::string_view unsafe : {"ACL",
                                        "BASELINE-CONTROL",
                                        "BIND",
                                        "CHECKIN",
                                        "CHECKOUT",
                                        "CONNECT",
                                        "COPY",
                                        "DELETE",
                                        "LABEL",
                                        "LINK",
                                        "LOCK",
                                        "MERGE",
                                        "MKACTIVITY",
                                        "MKCALENDAR",
                                        "MKCOL",
                                        "MKREDIRECTREF",
                                        "MKWORKSPACE",
                                        "MOVE",
                                        "ORDERPATCH",
                                        "PATCH",
                                        "POST",
                                        "PROPPATCH",
                                        "PUT",
                                        "REBIND",
                                        "UNBIND",
                                        "UNCHECKOUT",
                                        "UNLINK",
                                        "UNLOCK",
                                        "UPDATE",
                                        "UPDATEREDIRECTREF",
                                        "VERSION-CONTROL",
                                        "propfind",
                                        "REPORTS",
                                        "SEARCHX",
                                        "*"})
    EXPECT_FALSE(is_safe(parse_method(unsafe))) << unsafe;
}

}  // namespace
}  // namespace headgate::wire::http
