#include "roles/proxy/cache/recent_refusals.h"

#include <gtest/gtest.h>

namespace headgate::proxy {
namespace {

using decide::cache::Reason;

TEST(RecentRefusals, TheLastReasonOfAKeyIsRemembered) {
  RecentRefusals refusals;
  const Hash128 key{7, std::uint64_t{9} << 40}, other{7, std::uint64_t{8} << 40};
  EXPECT_FALSE(refusals.find(key));
  EXPECT_FALSE(refusals.find({}));
  refusals.note(key, Reason::kFresh, {5'000'000'000});
  refusals.note(key, Reason::kSetCookie, {1'800'000'000'999'999'999});
  ASSERT_TRUE(refusals.find(key));
  EXPECT_EQ(refusals.find(key)->reason, Reason::kSetCookie);
  EXPECT_EQ(refusals.find(key)->time_s, 1'800'000'000);
  EXPECT_FALSE(refusals.find(other)) << "the same slot, another key";
  refusals.note(other, Reason::kIncomplete, {});
  EXPECT_FALSE(refusals.find(key)) << "a newer one took its slot";
}

}  // namespace
}  // namespace headgate::proxy
