#include "wire/forwarded/forwarded.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

#include "base/prng.h"

namespace headgate::wire::forwarded {
namespace {

using Values = std::vector<std::string_view>;

const std::vector<ip::Prefix> kTrusted = {*ip::parse_prefix("10.0.0.0/8"),
                                          *ip::parse_prefix("2001:db8::/32")};

template <typename Hops>
std::string client(const Values& values, std::string_view peer) {
  return to_string(client_address(Hops(values), *ip::parse_ip(peer), AnyOf{kTrusted}));
}
std::string by_xff(const Values& values, std::string_view peer = "10.0.0.1") {
  return client<XForwardedFor>(values, peer);
}
std::string by_forwarded(const Values& values, std::string_view peer = "10.0.0.1") {
  return client<Forwarded>(values, peer);
}

TEST(XForwardedFor, Row29_a_peer_that_is_not_trusted_is_the_client_whatever_it_says) {
  EXPECT_EQ(by_xff({"1.1.1.1"}, "192.0.2.9"), "192.0.2.9");
  EXPECT_EQ(by_xff({"10.0.0.5"}, "192.0.2.9"), "192.0.2.9");
}

TEST(XForwardedFor, Row29_the_first_untrusted_from_the_right_is_the_client) {
  EXPECT_EQ(by_xff({"6.6.6.6, 192.0.2.7, 10.0.0.2"}), "192.0.2.7");
  EXPECT_EQ(by_xff({"6.6.6.6", "192.0.2.7", "10.0.0.2"}), "192.0.2.7");
  EXPECT_EQ(by_xff({"10.9.9.9,10.0.0.2"}), "10.9.9.9");
  EXPECT_EQ(by_xff({}), "10.0.0.1");
  EXPECT_EQ(by_xff({"::ffff:192.0.2.7, 2001:db8::5"}), "192.0.2.7");
  EXPECT_EQ(by_xff({"192.0.2.7:4711"}), "192.0.2.7");
  EXPECT_EQ(by_xff({"[2001:db9::1]:80"}), "2001:db9::1");
  EXPECT_EQ(by_xff({"2001:db9::1"}), "2001:db9::1");
}

TEST(XForwardedFor, garbage_ends_the_walk_at_the_hop_that_reported_it) {
  for (const char* junk :
       {"unknown", "", "1.2.3", "a, b", "1.2.3.4.5", "[]", "[1.2.3.4]", "1.2.3.4:99999", "[::1"})
    EXPECT_EQ(by_xff({junk, "10.0.0.2"}), "10.0.0.2") << junk;
}

TEST(XForwardedFor, looks_at_a_bounded_number_of_hops) {
  std::string all = "6.6.6.6";
  for (std::size_t i = 0; i < kHopsMax; ++i) all += ",10.0.0.2";
  EXPECT_EQ(by_xff({all}), "10.0.0.2");
}

TEST(Forwarded, reads_nodes_in_every_form) {
  EXPECT_EQ(by_forwarded({"for=192.0.2.43"}), "192.0.2.43");
  EXPECT_EQ(by_forwarded({R"(For="[2001:db9:cafe::17]:4711")"}), "2001:db9:cafe::17");
  EXPECT_EQ(by_forwarded({"for=192.0.2.60;proto=http; by=203.0.113.43"}), "192.0.2.60");
  EXPECT_EQ(by_forwarded({R"(for="192.0.2.60:80";ext="a,b;for=1.1.1.1", for=10.0.0.3)"}),
            "192.0.2.60");
  EXPECT_EQ(by_forwarded({"for=6.6.6.6", "for=192.0.2.8, for=10.1.1.1"}), "192.0.2.8");
}

TEST(Forwarded, hidden_or_malformed_nodes_end_the_walk) {
  for (const char* junk : {"for=unknown", "for=_hidden", "proto=http", "for=1.1.1.1;for=2.2.2.2",
                           "for=[::1]", "for", "for=", "for =1.1.1.1", R"(for="1.1.1.1)",
                           R"(for="1.1\.1.1")", "", R"(for="::1")", "for=2001:db8::1"})
    EXPECT_EQ(by_forwarded({junk, "for=10.0.0.2"}), "10.0.0.2") << junk;
}

TEST(Forwarded, Row29_a_quote_that_a_client_left_open_cannot_hide_what_follows) {
  EXPECT_EQ(by_forwarded({R"(for="6.6.6.6, for=192.0.2.7, for=10.0.0.2)"}), "192.0.2.7");
  EXPECT_EQ(by_forwarded({R"(x="\", for=192.0.2.7)"}), "192.0.2.7");
  EXPECT_EQ(by_forwarded({R"(for=1.1.1.1;x="\\\", for=6.6.6.6\\", for=10.0.0.2)"}), "1.1.1.1");
}

TEST(Forwarded, gives_every_parameter_of_an_element) {
  const auto element =
      parse_element(R"(for=1.2.3.4;by="_us";HOST="shop.example:8080";proto=https;x=y)");
  ASSERT_TRUE(element);
  EXPECT_EQ(element->for_node, "1.2.3.4");
  EXPECT_EQ(element->by_node, "_us");
  EXPECT_EQ(element->host, "shop.example:8080");
  EXPECT_EQ(element->proto, "https");
}

TEST(Forwarded, what_is_written_reads_back) {
  Prng random(1);
  for (int round = 0; round < 500; ++round) {
    ip::IpAddress address;
    address.v6 = random.below(2) == 0;
    for (std::size_t i = 0; i < address.size(); ++i)
      address.bytes[i] = static_cast<std::uint8_t>(random.next() | 0x80);
    std::string forwarded, list;
    append_forwarded(forwarded, "for=10.1.1.1", {address, "a.example:80", "https"});
    append_x_forwarded_for(list, "10.1.1.1", address);
    EXPECT_EQ(by_forwarded({forwarded}), to_string(address));
    EXPECT_EQ(by_xff({list}), to_string(address));
  }
}

TEST(Forwarded, writes_only_what_can_stand_in_a_field) {
  std::string out;
  append_forwarded(out, "", {ip::ipv4(1, 2, 3, 4), "a\"b", "http"});
  EXPECT_EQ(out, "for=1.2.3.4;proto=\"http\"");
  out.clear();
  append_forwarded(out, "for=_x", {*ip::parse_ip("::1"), "h", ""});
  EXPECT_EQ(out, "for=_x, for=\"[::1]\";host=\"h\"");
}

TEST(Via, is_appended_and_counted) {
  std::string out;
  append_via(out, "1.0 fred", http::Version::k11, "headgate");
  EXPECT_EQ(out, "1.0 fred, 1.1 headgate");
  std::string again;
  append_via(again, out, http::Version::k2, "headgate");
  EXPECT_EQ(again, "1.0 fred, 1.1 headgate, 2 headgate");
  EXPECT_EQ(count_in_via(again, "Headgate"), 2U);
  EXPECT_EQ(count_in_via("1.1 headgate-2, HTTP/1.1 headgate (x), 1.1  headgate", "headgate"), 2U);
  EXPECT_EQ(count_in_via("", "headgate"), 0U);
}

}  // namespace
}  // namespace headgate::wire::forwarded
