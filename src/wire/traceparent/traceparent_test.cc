#include "wire/traceparent/traceparent.h"

#include <gtest/gtest.h>

namespace headgate::wire::traceparent {
namespace {

constexpr std::string_view kGood = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(Traceparent, reads_and_writes_version_00) {
  const auto trace = parse(kGood);
  ASSERT_TRUE(trace);
  EXPECT_EQ(trace->trace_id_high, 0x0af7651916cd43ddU);
  EXPECT_EQ(trace->trace_id_low, 0x8448eb211c80319cU);
  EXPECT_EQ(trace->parent_id, 0xb7ad6b7169203331U);
  EXPECT_EQ(trace->flags, kSampled);
  EXPECT_EQ(to_string(*trace), kGood);
}

TEST(Traceparent, refuses_a_field_with_any_byte_changed_to_what_cannot_stand_there) {
  for (std::size_t at = 0; at < kGood.size(); ++at) {
    for (const char wrong : {'G', 'A', ' ', '_', '\0'}) {
      std::string text(kGood);
      text[at] = wrong;
      EXPECT_FALSE(parse(text)) << text;
    }
    EXPECT_FALSE(parse(kGood.substr(0, at)));
  }
}

TEST(Traceparent, refuses_zero_ids_and_the_forbidden_version) {
  EXPECT_FALSE(parse("00-00000000000000000000000000000000-b7ad6b7169203331-01"));
  EXPECT_FALSE(parse("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"));
  EXPECT_FALSE(parse("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
  EXPECT_TRUE(parse("00-00000000000000000000000000000001-b7ad6b7169203331-00"));
}

TEST(Traceparent, reads_a_later_version_by_its_first_fields_and_keeps_known_flags) {
  std::string later(kGood);
  later.replace(0, 2, "cc");
  EXPECT_EQ(parse(later), parse(kGood));
  EXPECT_EQ(parse(later + "-what-comes"), parse(kGood));
  EXPECT_FALSE(parse(later + "x"));
  EXPECT_FALSE(parse(std::string(kGood) + "-more"));
  later.replace(53, 2, "ff");
  EXPECT_EQ(parse(later)->flags, kSampled | kRandomTraceId);
}

TEST(Traceparent, a_child_keeps_the_trace_and_never_has_a_zero_id) {
  const Traceparent parent = *parse(kGood);
  const Traceparent child = child_of(parent, 42);
  EXPECT_EQ(child.trace_id_low, parent.trace_id_low);
  EXPECT_EQ(child.flags, parent.flags);
  EXPECT_EQ(child.parent_id, 42U);
  EXPECT_EQ(parse(to_string(child_of(parent, 0))), child_of(parent, 0));
  const Traceparent fresh = new_trace(0, 0, 0, true);
  EXPECT_EQ(parse(to_string(fresh)), fresh);
  EXPECT_EQ(new_trace(1, 0, 2, false).flags, kRandomTraceId);
}

TEST(Tracestate, members_are_well_formed_bounded_and_unique) {
  for (const char* good : {"", "a=1", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
                           "fw529a3039@dt=FfAAAA , b=x y", "a=1,,b=2", "0t@s=1"})
    EXPECT_TRUE(is_valid_tracestate(good)) << good;
  for (const char* bad : {"a", "a=", "=1", "A=1", "1a=1", "a=1,a=2", "a=b=c", "a=\x7f",
                          "a=\xc3\xa9", "a@=1", "@b=1", "a@1=1", "a b=1", "a =1", "a@b@c=1"})
    EXPECT_FALSE(is_valid_tracestate(bad)) << bad;
  std::string members;
  for (int i = 0; i < 32; ++i) members += "k" + std::to_string(i) + "=v,";
  EXPECT_TRUE(is_valid_tracestate(members));
  EXPECT_FALSE(is_valid_tracestate(members + "last=v"));
  EXPECT_TRUE(is_valid_tracestate(std::string(256, 'k') + "=" + std::string(256, 'v')));
  EXPECT_FALSE(is_valid_tracestate(std::string(257, 'k') + "=v"));
  EXPECT_FALSE(is_valid_tracestate("k=" + std::string(257, 'v')));
  EXPECT_FALSE(is_valid_tracestate(std::string(kTracestateBytesMax + 1, ',')));
}

}  // namespace
}  // namespace headgate::wire::traceparent
