#include "decide/access/address_set.h"

#include <gtest/gtest.h>

#include "base/prng.h"

namespace headgate::decide::access {
namespace {

using wire::ip::IpAddress;
using wire::ip::Prefix;

AddressSet set_of(std::initializer_list<const char*> texts) {
  std::vector<Prefix> prefixes;
  for (const char* text : texts) prefixes.push_back(*wire::ip::parse_prefix(text));
  return AddressSet(prefixes);
}

IpAddress ip(const char* text) { return *wire::ip::parse_ip(text); }

TEST(AddressSet, HoldsTheFirstAndLastAddressOfAPrefixAndNothingBeside) {
  const AddressSet set = set_of({"10.1.2.0/23", "2001:db8::/33"});
  for (const char* in :
       {"10.1.2.0", "10.1.3.255", "2001:db8::", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"})
    EXPECT_TRUE(set.contains(ip(in))) << in;
  for (const char* out : {"10.1.1.255", "10.1.4.0", "2001:db8:8000::", "2001:db7:ffff::"})
    EXPECT_FALSE(set.contains(ip(out))) << out;
}

TEST(AddressSet, FamiliesDoNotMatchEachOtherButAMappedAddressIsIpv4) {
  EXPECT_FALSE(set_of({"::/0"}).contains(ip("10.0.0.1")));
  EXPECT_FALSE(set_of({"0.0.0.0/0"}).contains(ip("2001:db8::1")));
  EXPECT_TRUE(set_of({"10.0.0.0/8"}).contains(ip("::ffff:10.0.0.1")));
  EXPECT_TRUE(set_of({}).empty());
}

TEST(AddressSet, PrefixesWithinOthersAreMerged) {
  EXPECT_EQ(set_of({"10.0.0.0/8", "10.1.0.0/16", "10.1.1.1"}).ranges(), 1U);
  EXPECT_EQ(set_of({"10.0.0.1", "10.0.0.3"}).ranges(), 2U);
}

IpAddress random_address(Prng& prng) {
  IpAddress a;
  a.v6 = prng.below(2) == 0;
  // Few distinct bytes, so that addresses fall into prefixes and onto their borders.
  for (std::size_t i = 0; i < a.size(); ++i)
    a.bytes[i] = static_cast<std::uint8_t>(std::array{0, 1, 127, 128, 254, 255}[prng.below(6)]);
  return a;
}

TEST(AddressSet, AgreesWithTryingEveryPrefix) {
  Prng prng(2);
  int inside = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<Prefix> prefixes;
    for (std::uint64_t i = 0, n = prng.below(40); i < n; ++i) {
      const IpAddress a = random_address(prng);
      const int bits = static_cast<int>(prng.below(static_cast<std::uint64_t>(a.bits()) + 1));
      prefixes.push_back({masked(a, bits), bits});
    }
    const AddressSet set(prefixes);
    for (int i = 0; i < 50; ++i) {
      const IpAddress a = random_address(prng);
      bool slow = false;
      for (const Prefix& p : prefixes) slow = slow || wire::ip::contains(p, a);
      inside += slow;
      ASSERT_EQ(set.contains(a), slow) << to_string(a);
    }
  }
  EXPECT_GT(inside, 1000);
}

}  // namespace
}  // namespace headgate::decide::access
