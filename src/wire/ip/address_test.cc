#include "wire/ip/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <unordered_set>

#include "base/prng.h"

namespace headgate::wire::ip {
namespace {

IpAddress must(std::string_view text) {
  const auto address = parse_ip(text);
  EXPECT_TRUE(address.has_value()) << text;
  return address.value_or(IpAddress{});
}

TEST(Address, prints_the_canonical_text_of_rfc_5952) {
  EXPECT_EQ(to_string(must("192.0.2.255")), "192.0.2.255");
  EXPECT_EQ(to_string(must("2001:0DB8:0:0:8:800:200C:417A")), "2001:db8::8:800:200c:417a");
  EXPECT_EQ(to_string(must("0:0:0:0:0:0:0:0")), "::");
  EXPECT_EQ(to_string(must("::1")), "::1");
  EXPECT_EQ(to_string(must("fe80::")), "fe80::");
  EXPECT_EQ(to_string(must("2001:db8:0:1:1:1:1:1")), "2001:db8:0:1:1:1:1:1");
  EXPECT_EQ(to_string(must("1:0:0:2:0:0:0:3")), "1:0:0:2::3");
  EXPECT_EQ(to_string(must("1:0:0:2:3:0:0:4")), "1::2:3:0:0:4");
}

TEST(Address, refuses_what_only_looks_like_an_address) {
  for (const char* text : {"",
                           "1",
                           "1.2.3",
                           "1.2.3.4.5",
                           "1.2.3.256",
                           "01.2.3.4",
                           "1.2.3.04",
                           "1.2..4",
                           "1.2.3.4 ",
                           " 1.2.3.4",
                           "0x1.2.3.4",
                           "+1.2.3.4",
                           ":",
                           ":::",
                           "1:::2",
                           "::1::",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1:2:3:4:5:6:7::8",
                           ":1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:",
                           "12345::",
                           "g::",
                           "::1.2.3",
                           "::1.2.3.4.5",
                           "1.2.3.4::",
                           "::1.2.3.4:1",
                           "fe80::1%eth0",
                           "[::1]",
                           "1:2:3:4:5:6:7:1.2.3.4"})
    EXPECT_FALSE(parse_ip(text)) << text;
}

TEST(Address, a_mapped_address_is_the_ipv4_address) {
  EXPECT_EQ(must("::ffff:192.0.2.1"), ipv4(192, 0, 2, 1));
  EXPECT_EQ(must("::ffff:c000:201"), ipv4(192, 0, 2, 1));
  EXPECT_EQ(from_ipv6_bytes(to_ipv6_bytes(ipv4(10, 1, 2, 3))), ipv4(10, 1, 2, 3));
  EXPECT_TRUE(must("::192.0.2.1").v6) << "compatible addresses are not mapped ones";
}

TEST(Address, agrees_with_the_system_on_random_addresses) {
  Prng random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::array<std::uint8_t, 16> bytes{};
    const std::uint64_t zeros = random.next();
    for (std::size_t i = 0; i < 16; ++i)
      if ((zeros >> (i / 2) & 1) == 0) bytes[i] = static_cast<std::uint8_t>(random.next());
    char text[INET6_ADDRSTRLEN];
    inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
    const auto parsed = parse_ip(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(to_ipv6_bytes(*parsed), bytes) << text;
    EXPECT_EQ(parse_ip(to_string(*parsed)), parsed) << text;
  }
}

TEST(Address, accepts_exactly_what_inet_pton_accepts_for_random_text) {
  Prng random(2);
  constexpr std::string_view kLetters = ":::::12fF0..";
  int accepted = 0;
  for (int round = 0; round < 100'000; ++round) {
    std::string text;
    for (std::uint64_t n = random.below(14); n > 0; --n)
      text += kLetters[random.below(kLetters.size())];
    std::array<std::uint8_t, 16> bytes{};
    const bool v6 = text.find(':') != std::string::npos;
    const bool expected = inet_pton(v6 ? AF_INET6 : AF_INET, text.c_str(), bytes.data()) == 1;
    const auto parsed = parse_ip(text);
    ASSERT_EQ(parsed.has_value(), expected) << text;
    if (!expected) continue;
    ++accepted;
    EXPECT_EQ(v6 ? to_ipv6_bytes(*parsed) : parsed->bytes, bytes) << text;
  }
  EXPECT_GT(accepted, 100);
}

TEST(Endpoint, parses_and_prints_both_families) {
  EXPECT_EQ(to_string(*parse_endpoint("192.0.2.1:80")), "192.0.2.1:80");
  EXPECT_EQ(to_string(*parse_endpoint("[2001:db8::1]:65535")), "[2001:db8::1]:65535");
  for (const char* text :
       {"", ":80", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:080", "::1:80", "[::1]",
        "[::1:80", "[1.2.3.4]:80", "[]:80", "1.2.3.4:-1", "[::1]]:80"})
    EXPECT_FALSE(parse_endpoint(text)) << text;
}

TEST(Prefix, parses_networks_and_single_addresses) {
  EXPECT_EQ(to_string(*parse_prefix("10.0.0.0/8")), "10.0.0.0/8");
  EXPECT_EQ(to_string(*parse_prefix("192.0.2.1")), "192.0.2.1/32");
  EXPECT_EQ(to_string(*parse_prefix("2001:db8::/33")), "2001:db8::/33");
  EXPECT_EQ(to_string(*parse_prefix("::ffff:10.0.0.0/104")), "10.0.0.0/8");
  EXPECT_EQ(to_string(*parse_prefix("::/0")), "::/0");
  for (const char* text :
       {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/08", "10/8", "::/129", "2001:db8::1/64",
        "::ffff:10.0.0.0/95", "/8", "10.0.0.0/8/8", "10.0.0.0/-1"})
    EXPECT_FALSE(parse_prefix(text)) << text;
}

TEST(Prefix, holds_an_address_when_the_first_bits_are_equal) {
  Prng random(3);
  for (int round = 0; round < 20'000; ++round) {
    IpAddress a, b;
    a.v6 = b.v6 = random.below(2) == 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      a.bytes[i] = static_cast<std::uint8_t>(random.next());
      b.bytes[i] = random.below(8) == 0 ? static_cast<std::uint8_t>(random.next()) : a.bytes[i];
    }
    const int bits = static_cast<int>(random.below(static_cast<std::uint64_t>(a.bits()) + 1));
    bool equal = true;
    for (int i = 0; i < bits; ++i) {
      const int shift = 7 - i % 8;
      equal = equal && (a.bytes[i / 8] >> shift & 1) == (b.bytes[i / 8] >> shift & 1);
    }
    EXPECT_EQ(contains({masked(a, bits), bits}, b), equal);
  }
  EXPECT_FALSE(contains(*parse_prefix("::/0"), ipv4(1, 2, 3, 4)));
  EXPECT_FALSE(contains(*parse_prefix("0.0.0.0/0"), *parse_ip("::1")));
}

TEST(Address, knows_loopback_and_unspecified) {
  EXPECT_TRUE(is_loopback(must("127.9.9.9")) && is_loopback(must("::1")) &&
              is_loopback(must("::ffff:127.0.0.1")));
  EXPECT_FALSE(is_loopback(must("128.0.0.1")) || is_loopback(must("::2")) ||
               is_loopback(must("1::1")));
  EXPECT_TRUE(is_unspecified(must("0.0.0.0")) && is_unspecified(must("::")));
}

TEST(Address, serves_as_a_key) {
  std::unordered_set<Endpoint> set;
  for (std::uint16_t port = 0; port < 1000; ++port) set.insert({ipv4(10, 0, 0, 1), port});
  EXPECT_TRUE(set.contains({must("::ffff:10.0.0.1"), 7}));
  EXPECT_EQ(set.size(), 1000U);
  EXPECT_NE(hash_of(ipv4(10, 0, 0, 1), 1), hash_of(ipv4(10, 0, 0, 1), 2));
}

}  // namespace
}  // namespace headgate::wire::ip
