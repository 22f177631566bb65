#include "wire/grpc/message.h"

#include <gtest/gtest.h>

namespace headgate::wire::grpc {
namespace {

using namespace std::string_literals;
using State = Message::State;

TEST(GrpcFrame, what_is_framed_reads_back_and_every_start_needs_more) {
  std::string stream;
  append_framed(stream, "hello");
  EXPECT_EQ(stream, "\0\0\0\0\5hello"s);
  for (std::size_t n = 0; n < stream.size(); ++n)
    EXPECT_EQ(parse_message(std::string_view(stream).substr(0, n), 5).state, State::kNeedMore);
  stream += "next";
  const Message message = parse_message(stream, 5);
  EXPECT_EQ(message.state, State::kMessage);
  EXPECT_EQ(message.payload, "hello");
  EXPECT_EQ(message.bytes, 10U);
  EXPECT_FALSE(message.compressed);
  EXPECT_TRUE(parse_message("\1\0\0\0\0"s, 5).compressed);
}

TEST(GrpcFrame, a_bad_flag_and_a_long_message_are_told_at_once) {
  EXPECT_EQ(parse_message("\2", 5).state, State::kMalformed);
  EXPECT_EQ(parse_message("\0\0\0\0\6"s, 5).state, State::kTooLong);
  EXPECT_EQ(parse_message("\0\xff\xff\xff\xff"s, 1 << 20).state, State::kTooLong);
}

TEST(GrpcHealth, request_and_response_read_back) {
  std::string request;
  append_health_request(request, "shop.Cart");
  EXPECT_EQ(request, "\x0a\x09shop.Cart");
  EXPECT_EQ(parse_health_request(request), "shop.Cart");
  EXPECT_EQ(parse_health_request(""), "");
  for (const Serving serving :
       {Serving::kUnknown, Serving::kServing, Serving::kNotServing, Serving::kServiceUnknown}) {
    std::string response;
    append_health_response(response, serving);
    EXPECT_EQ(parse_health_response(response), serving);
  }
  EXPECT_EQ(parse_health_response("\x08\x01"), Serving::kServing);
}

TEST(GrpcHealth, unknown_fields_are_skipped_and_the_last_of_a_kind_counts) {
  const std::string others =
      "\x10\xac\x02\x19"
      "12345678"
      "\x25"
      "1234"
      "\x2a\2xy"s;
  EXPECT_EQ(parse_health_response(others + "\x08\x02"s + others + "\x08\x01"s), Serving::kServing);
  EXPECT_EQ(parse_health_request("\x0a\1a\x0a\1b"s), "b");
  EXPECT_EQ(parse_health_response("\x08\x63"), Serving::kUnknown);
}

TEST(GrpcHealth, malformed_protobuf_is_refused) {
  for (const std::string& bad : {"\x08"s, "\x08\x80"s, "\x0a\5abc"s, "\x0b"s, "\x0e\1"s, "\0\1"s,
                                 "\x19"
                                 "1234567"s,
                                 "\x25"
                                 "123"s,
                                 "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"s,
                                 "\x10" + std::string(11, '\x80'), "\x80\x80\x80\x80\x10\1"s})
    EXPECT_FALSE(parse_health_response(bad)) << bad.size();
  EXPECT_FALSE(parse_health_response("\x0a\1x"s)) << "status as text";
  EXPECT_FALSE(parse_health_request("\x08\1"s)) << "service as a number";
}

TEST(GrpcHealth, messages_and_names_are_bounded) {
  std::string request;
  append_health_request(request, std::string(255, 'x'));
  EXPECT_TRUE(parse_health_request(request));
  request.clear();
  append_health_request(request, std::string(256, 'x'));
  EXPECT_FALSE(parse_health_request(request));
  std::string padding;
  while (padding.size() <= kHealthMessageBytesMax) padding += "\x10\1";
  EXPECT_FALSE(parse_health_response(padding));
}

}  // namespace
}  // namespace headgate::wire::grpc
