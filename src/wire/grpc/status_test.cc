#include "wire/grpc/status.h"

#include <gtest/gtest.h>

#include "base/prng.h"
#include "wire/grpc/trailers_only.h"

namespace headgate::wire::grpc {
namespace {

std::string encoded(std::string_view text) {
  std::string out;
  append_message(out, text);
  return out;
}
std::string timeout_text(Duration timeout) {
  std::string out;
  append_timeout(out, timeout);
  return out;
}

TEST(GrpcStatus, names_and_numbers_read_back) {
  for (int i = 0; i < kStatusCodes; ++i) {
    const auto code = static_cast<StatusCode>(i);
    EXPECT_EQ(status_by_name(name_of(code)), code);
    EXPECT_EQ(parse_status(std::to_string(i)), code);
  }
  EXPECT_EQ(name_of(StatusCode::kUnauthenticated), "UNAUTHENTICATED");
  EXPECT_EQ(static_cast<int>(StatusCode::kUnavailable), 14);
  EXPECT_EQ(parse_status("17"), StatusCode::kUnknown);
  for (const char* bad : {"", "-1", "00", "1 ", "OK", "0x1"})
    EXPECT_FALSE(parse_status(bad)) << bad;
  EXPECT_FALSE(status_by_name("ok"));
}

TEST(GrpcStatus, http_statuses_map_as_the_specification_says) {
  EXPECT_EQ(status_of_http(400), StatusCode::kInternal);
  EXPECT_EQ(status_of_http(401), StatusCode::kUnauthenticated);
  EXPECT_EQ(status_of_http(403), StatusCode::kPermissionDenied);
  EXPECT_EQ(status_of_http(404), StatusCode::kUnimplemented);
  for (const int status : {429, 502, 503, 504})
    EXPECT_EQ(status_of_http(status), StatusCode::kUnavailable);
  for (const int status : {200, 302, 418, 500})
    EXPECT_EQ(status_of_http(status), StatusCode::kUnknown);
}

TEST(GrpcStatus, knows_its_content_types) {
  for (const char* good : {"application/grpc", "Application/gRPC+proto", "application/grpc;x=y",
                           "application/grpc ; x"})
    EXPECT_TRUE(is_grpc(good)) << good;
  for (const char* bad : {"", "application/grp", "application/grpc-web",
                          "application/grpc-web+proto", "application/json"})
    EXPECT_FALSE(is_grpc(bad)) << bad;
}

TEST(GrpcMessage, escapes_what_a_field_cannot_carry_and_decodes_anything) {
  EXPECT_EQ(encoded("a b~"), "a b~");
  EXPECT_EQ(encoded("50%\r\n\xc3\xa9"), "50%25%0D%0A%C3%A9");
  EXPECT_EQ(decode_message("50%25%0d%C3%A9"), "50%\r\xc3\xa9");
  EXPECT_EQ(decode_message("%"), "%");
  EXPECT_EQ(decode_message("%4"), "%4");
  EXPECT_EQ(decode_message("%zz%%41"), "%zz%A");
  Prng random(1);
  for (int round = 0; round < 500; ++round) {
    std::string text;
    for (std::uint64_t n = random.below(60); n > 0; --n) text += static_cast<char>(random.next());
    EXPECT_EQ(decode_message(encoded(text)), text);
  }
}

TEST(GrpcTimeout, reads_eight_digits_and_a_unit) {
  EXPECT_EQ(parse_timeout("1n"), 1ns);
  EXPECT_EQ(parse_timeout("20u"), 20us);
  EXPECT_EQ(parse_timeout("100m"), 100ms);
  EXPECT_EQ(parse_timeout("3S"), 3s);
  EXPECT_EQ(parse_timeout("00000002M"), 2min);
  EXPECT_EQ(parse_timeout("1H"), 1h);
  EXPECT_EQ(parse_timeout("0S"), 0s);
  EXPECT_EQ(parse_timeout("99999999H"), Duration::max());
  for (const char* bad :
       {"", "S", "1", "1s", "123456789S", "-1S", "1.5S", " 1S", "1S ", "1h", "+1S"})
    EXPECT_FALSE(parse_timeout(bad)) << bad;
}

TEST(GrpcTimeout, is_written_in_the_finest_unit_that_fits_and_never_shortened) {
  EXPECT_EQ(timeout_text(0ns), "0n");
  EXPECT_EQ(timeout_text(-5s), "0n");
  EXPECT_EQ(timeout_text(10ms), "10000000n");
  EXPECT_EQ(timeout_text(99'999'999ns), "99999999n");
  EXPECT_EQ(timeout_text(100'000'001ns), "100001u");
  EXPECT_EQ(timeout_text(15s), "15000000u");
  Prng random(2);
  for (int round = 0; round < 5000; ++round) {
    const Duration timeout(static_cast<std::int64_t>(random.next() >> (1 + random.below(60))));
    const auto back = parse_timeout(timeout_text(timeout));
    ASSERT_TRUE(back);
    EXPECT_GE(*back, timeout);
    // A unit is at most 1000 times the one that needs nine digits: one part in 100,000.
    EXPECT_LE((*back - timeout).count(), timeout.count() / 99'999 + 1) << timeout.count();
  }
  EXPECT_TRUE(parse_timeout(timeout_text(Duration::max())));
}

TEST(TrailersOnly, carries_the_status_and_an_encoded_message_in_200) {
  const TrailersOnly error(StatusCode::kUnavailable, "no upstream\nleft");
  const http::ResponseHead head = error.head();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.framing.kind, http::Framing::Kind::kNone);
  ASSERT_EQ(head.fields.size(), 3U);
  EXPECT_EQ(head.fields[0].value, "application/grpc");
  EXPECT_EQ(head.fields[1].name, "grpc-status");
  EXPECT_EQ(head.fields[1].value, "14");
  EXPECT_EQ(head.fields[2].value, "no upstream%0Aleft");
  EXPECT_EQ(TrailersOnly(StatusCode::kOk, "").head().fields.size(), 2U);
  const TrailersOnly cut(StatusCode::kInternal, std::string(5000, 'x'));
  EXPECT_EQ(cut.head().fields[2].value.size(), kErrorMessageBytesMax);
}

}  // namespace
}  // namespace headgate::wire::grpc
