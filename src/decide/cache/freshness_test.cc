#include "decide/cache/freshness.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/prng.h"
#include "decide/cache/exchange_for_test.h"
#include "decide/cache/status.h"

namespace headgate::decide::cache {
namespace {

using model::CachePolicy;
using testing::at;
using testing::date;
using testing::FieldList;
using testing::record;

double lifetime(int status, FieldList list, const CachePolicy& policy = {}) {
  return static_cast<double>(lifetime_ns(record(status, list, 0, policy), policy)) / 1e9;
}
double lifetime(FieldList list, const CachePolicy& policy = {}) {
  return lifetime(200, list, policy);
}

TEST(Freshness, rfc9111_4_2_1_s_maxage_wins_over_max_age) {
  EXPECT_EQ(lifetime({{"cache-control", "max-age=60, s-maxage=10"}}), 10);
  EXPECT_EQ(lifetime({{"cache-control", "s-maxage=600, max-age=60"}}), 600);
}

TEST(Freshness, rfc9111_4_2_1_max_age_wins_over_expires) {
  const std::string expires = date(1000), now = date(0);
  EXPECT_EQ(lifetime({{"cache-control", "max-age=60"}, {"expires", expires}, {"date", now}}), 60);
}

TEST(Freshness, rfc9111_4_2_1_expires_counts_from_date) {
  const std::string expires = date(100), made = date(-20);
  EXPECT_EQ(lifetime({{"expires", expires}, {"date", made}}), 120);
  EXPECT_EQ(lifetime({{"expires", expires}}), 100);
  EXPECT_EQ(lifetime({{"expires", made}}), 0);
  EXPECT_EQ(lifetime({{"expires", "Fri, 31 Dec 9999 23:59:59 GMT"}}), 2147483648.0);
}

TEST(Freshness, rfc9111_5_3_an_expires_that_is_no_date_is_in_the_past) {
  const std::string modified = date(-100000);
  for (const char* bad : {"0", "-1", "", "never", "Tue, 14 Nov 2023 22:14:20 CET"})
    EXPECT_EQ(lifetime({{"expires", bad}, {"last-modified", modified}}), 0) << bad;
}

TEST(Freshness, rfc9111_4_2_1_an_invalid_lifetime_is_stale_and_nothing_stands_in_for_it) {
  const std::string expires = date(1000), modified = date(-100000);
  CachePolicy policy;
  policy.ttl.otherwise = 50;
  for (const char* control : {"max-age=x", "max-age", "max-age=-5", "s-maxage=x, max-age=60"})
    EXPECT_EQ(
        lifetime({{"cache-control", control}, {"expires", expires}, {"last-modified", modified}},
                 policy),
        0)
        << control;
}

TEST(Freshness, rfc9111_4_2_2_heuristics_take_a_share_of_the_time_since_last_modified) {
  const std::string modified = date(-1000), made = date(-500), later = date(10);
  EXPECT_EQ(lifetime({{"last-modified", modified}}), 100);
  EXPECT_EQ(lifetime({{"last-modified", modified}, {"date", made}}), 50);
  EXPECT_EQ(lifetime({{"last-modified", later}}), 0);
  EXPECT_EQ(lifetime({{"last-modified", "Thu, 01 Jan 1970 00:00:00 GMT"}}), 86400);
  CachePolicy none;
  none.ttl.heuristic_permille = 0;
  EXPECT_EQ(lifetime({{"last-modified", modified}}, none), 0);
}

TEST(Freshness, rfc9111_4_2_2_heuristics_need_a_cacheable_status_or_public) {
  const std::string modified = date(-1000);
  EXPECT_EQ(lifetime(404, {{"last-modified", modified}}), 100);
  EXPECT_EQ(lifetime(403, {{"last-modified", modified}}), 0);
  EXPECT_EQ(lifetime(403, {{"last-modified", modified}, {"cache-control", "public"}}), 100);
}

TEST(Freshness, rfc9213_2_2_the_first_targeted_field_replaces_cache_control_and_expires) {
  const std::string expires = date(1000);
  CachePolicy policy;
  policy.targeted_fields = {"headgate-cache-control", "cdn-cache-control"};
  const auto with = [&](std::string_view ours, std::string_view cdn) {
    return lifetime({{"headgate-cache-control", ours},
                     {"cdn-cache-control", cdn},
                     {"cache-control", "s-maxage=60"},
                     {"expires", expires}},
                    policy);
  };
  EXPECT_EQ(with("max-age=5", "max-age=7"), 5);
  EXPECT_EQ(with("", "max-age=7"), 7);
  EXPECT_EQ(with("max-age=5,", "max-age=7"), 7);
  EXPECT_EQ(with("must-revalidate", "max-age=7"), 0);
  EXPECT_EQ(with("x y", "Max-Age=7"), 60);
}

TEST(Freshness, SurrogateControlCountsOnlyWhenThePolicySaysSo) {
  CachePolicy policy;
  const FieldList fields = {{"surrogate-control", "content=\"ESI/1.0\", max-age=30+5"},
                            {"cdn-cache-control", "max-age=7"}};
  EXPECT_EQ(lifetime(fields, policy), 7);
  policy.surrogate_control = true;
  EXPECT_EQ(lifetime(fields, policy), 30);
  EXPECT_EQ(stale_while_revalidate_ns(record(200, fields, 0, policy), policy), 5'000'000'000);
  EXPECT_EQ(testing::stores(
                200, {{"surrogate-control", "no-store-remote"}, {"cache-control", "max-age=5"}}, {},
                policy),
            Reason::kResponseNoStore);
  EXPECT_EQ(lifetime({{"surrogate-control", "content=\"ESI/1.0\""}, {"cache-control", "max-age=5"}},
                     policy),
            5);
}

TEST(Freshness, PolicyLifetimesFillInWhereTheOriginIsSilentAndCountFromArrival) {
  const std::string modified = date(-1000), made = date(-40);
  CachePolicy policy;
  policy.ttl.otherwise = 30;
  policy.ttl.by_status = {{404, 5}, {503, 2}};
  EXPECT_EQ(lifetime(200, {{"last-modified", modified}}, policy), 30);
  EXPECT_EQ(lifetime(200, {{"date", made}}, policy), 70);
  EXPECT_EQ(lifetime(200, {{"cache-control", "max-age=4"}}, policy), 4);
  EXPECT_EQ(lifetime(404, {}, policy), 5);
  EXPECT_EQ(lifetime(503, {}, policy), 2);
  EXPECT_EQ(lifetime(500, {}, policy), 0);
}

TEST(Freshness, FloorAndCeilingCountFromArrival) {
  CachePolicy policy;
  policy.ttl.seconds_min = 20;
  policy.ttl.seconds_max = 100;
  EXPECT_EQ(lifetime({{"cache-control", "max-age=5"}}, policy), 20);
  EXPECT_EQ(lifetime({{"cache-control", "max-age=50"}}, policy), 50);
  EXPECT_EQ(lifetime({{"cache-control", "max-age=500"}}, policy), 100);
  EXPECT_EQ(lifetime({{"cache-control", "max-age=500"}, {"age", "10"}}, policy), 110);
  EXPECT_EQ(lifetime({{"cache-control", "max-age=x"}}, policy), 20);
  EXPECT_EQ(lifetime(500, {{"cache-control", "max-age=5"}}, policy), 5);
}

TEST(Freshness, rfc9111_4_2_it_is_fresh_while_the_lifetime_exceeds_the_age) {
  const auto stored = record(200, {{"cache-control", "max-age=10"}});
  EXPECT_TRUE(freshness_of(stored, {}, at(9.999)).is_fresh());
  EXPECT_FALSE(freshness_of(stored, {}, at(10)).is_fresh());
  EXPECT_EQ(freshness_of(stored, {}, at(9.5)).ttl_s(), 0);
  EXPECT_EQ(freshness_of(stored, {}, at(10.5)).ttl_s(), -1);
  EXPECT_EQ(freshness_of(stored, {}, at(2.5)).age_s(), 2);
}

TEST(Freshness, rfc9111_4_2_4_what_forbids_stale_use) {
  const auto forbids = [](std::string_view control, const CachePolicy& policy = {}) {
    return forbids_stale(record(200, {{"cache-control", control}}), policy);
  };
  for (const char* c : {"no-cache", "max-age=1, must-revalidate", "max-age=1, proxy-revalidate",
                        "s-maxage=1", "no-cache=\"etag\""})
    EXPECT_TRUE(forbids(c)) << c;
  for (const char* c : {"max-age=1", "max-age=1, no-cache=\"x-a\"", "public"})
    EXPECT_FALSE(forbids(c)) << c;
  CachePolicy policy;
  policy.ttl.stale_despite_s_maxage = true;
  EXPECT_FALSE(forbids("s-maxage=1, stale-while-revalidate=5", policy));
  EXPECT_TRUE(forbids("s-maxage=1, must-revalidate", policy));
}

TEST(Freshness, rfc5861_3_the_origins_word_on_staleness_goes_before_the_policys) {
  CachePolicy policy;
  policy.ttl.stale_while_revalidate = 7;
  policy.ttl.stale_if_error = 8;
  const auto silent = record(200, {{"cache-control", "max-age=1"}});
  EXPECT_EQ(stale_while_revalidate_ns(silent, policy), 7'000'000'000);
  EXPECT_EQ(stale_if_error_ns(silent, policy), 8'000'000'000);
  EXPECT_EQ(stale_if_error_ns(silent, {}), 0);
  const auto said =
      record(200, {{"cache-control", "max-age=1, stale-while-revalidate=0, stale-if-error=x"}});
  EXPECT_EQ(stale_while_revalidate_ns(said, policy), 0);
  EXPECT_EQ(stale_if_error_ns(said, policy), 0);
}

// The slow and obvious model: seconds alone, straight from the text of the RFC.

struct Said {
  int status = 200;
  std::optional<int> s_maxage, max_age, expires_at, modified_at, date_at, age;
  bool is_public = false, bad_max_age = false;
};

int model_lifetime(const Said& said, const CachePolicy& policy, int initial_age) {
  const bool by_default = is_heuristically_cacheable(said.status);
  const int made = said.date_at.value_or(0);
  int result = 0;
  if (said.s_maxage) {
    result = *said.s_maxage;
  } else if (said.bad_max_age) {
    result = 0;
  } else if (said.max_age) {
    result = *said.max_age;
  } else if (said.expires_at) {
    result = std::max(0, *said.expires_at - made);
  } else if (!policy.ttl.by_status.empty() && policy.ttl.by_status[0].status == said.status) {
    result = static_cast<int>(policy.ttl.by_status[0].seconds) + initial_age;
  } else if (by_default && policy.ttl.otherwise) {
    result = static_cast<int>(*policy.ttl.otherwise) + initial_age;
  } else if (said.modified_at && (by_default || said.is_public)) {
    result = std::min((made - *said.modified_at) / 10, 86400);
    if (made < *said.modified_at) result = 0;
  }
  const int floor = static_cast<int>(policy.ttl.seconds_min);
  if (by_default && floor > 0 && result < floor + initial_age) result = floor + initial_age;
  const std::int64_t ceiling = static_cast<std::int64_t>(policy.ttl.seconds_max) + initial_age;
  return static_cast<int>(std::min<std::int64_t>(result, ceiling));
}

std::optional<int> maybe(Prng& prng, int low, int high) {
  if (prng.below(3) != 0) return std::nullopt;
  return low + static_cast<int>(prng.below(static_cast<std::uint64_t>(high - low)));
}

Said random_said(Prng& prng) {
  constexpr int kStatuses[] = {200, 404, 302, 503, 410};
  Said said;
  said.status = kStatuses[prng.below(5)];
  said.s_maxage = maybe(prng, 0, 200);
  said.max_age = maybe(prng, 0, 200);
  said.bad_max_age = prng.below(8) == 0;
  said.expires_at = maybe(prng, -100, 300);
  said.modified_at = maybe(prng, -5000, 50);
  said.date_at = maybe(prng, -100, 50);
  said.age = maybe(prng, 0, 100);
  said.is_public = prng.below(4) == 0;
  return said;
}

CachePolicy random_policy(Prng& prng) {
  CachePolicy policy;
  if (prng.below(2) == 0) policy.ttl.seconds_min = static_cast<std::uint32_t>(prng.below(50));
  if (prng.below(2) == 0) policy.ttl.seconds_max = static_cast<std::uint32_t>(prng.below(150));
  if (const auto otherwise = maybe(prng, 0, 60))
    policy.ttl.otherwise = static_cast<std::uint32_t>(*otherwise);
  if (prng.below(3) == 0) policy.ttl.by_status = {{503, static_cast<std::uint32_t>(prng.below(9))}};
  return policy;
}

struct Written {
  std::vector<std::pair<std::string, std::string>> lines;
  wire::http::Fields fields() const {
    wire::http::Fields out;
    for (const auto& [name, value] : lines)
      out.push_back({name, value, wire::http::field_id(name)});
    return out;
  }
};

Written write(const Said& said) {
  Written out;
  if (said.bad_max_age)
    out.lines.emplace_back("cache-control", "max-age=1x");
  else if (said.max_age)
    out.lines.emplace_back("cache-control", "max-age=" + std::to_string(*said.max_age));
  if (said.s_maxage)
    out.lines.emplace_back("cache-control", "s-maxage=\"" + std::to_string(*said.s_maxage) + "\"");
  if (said.is_public) out.lines.emplace_back("cache-control", "public");
  if (said.expires_at) out.lines.emplace_back("expires", date(*said.expires_at));
  if (said.modified_at) out.lines.emplace_back("last-modified", date(*said.modified_at));
  if (said.date_at) out.lines.emplace_back("date", date(*said.date_at));
  if (said.age) out.lines.emplace_back("age", std::to_string(*said.age));
  return out;
}

TEST(FreshnessProperty, LifetimeAndAgeAreThoseOfTheObviousModel) {
  Prng prng(9111);
  for (int run = 0; run < 20000; ++run) {
    const Said said = random_said(prng);
    const CachePolicy policy = random_policy(prng);
    const Written written = write(said);
    const auto response = written.fields();
    const int delay = static_cast<int>(prng.below(4)), later = static_cast<int>(prng.below(300));
    const auto stored = describe(said.status, response, governing_control(response, policy),
                                 {at(-delay), at(0)}, std::nullopt);
    const int apparent = std::max(0, 0 - said.date_at.value_or(0));
    const int initial = std::max(apparent, said.age.value_or(0) + delay);
    const Freshness freshness = freshness_of(stored, policy, at(later));
    const int expected = model_lifetime(said, policy, initial);
    ASSERT_EQ(freshness.lifetime_ns, expected * 1'000'000'000LL) << "run " << run;
    ASSERT_EQ(freshness.age_ns, (initial + later) * 1'000'000'000LL) << "run " << run;
    ASSERT_EQ(freshness.is_fresh(), expected > initial + later) << "run " << run;
  }
}

}  // namespace
}  // namespace headgate::decide::cache
