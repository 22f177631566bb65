// Collapsed forwarding: one fetch, and what becomes of those who wait for it.
#include <gtest/gtest.h>

#include "store/memory/testing/world.h"

namespace headgate::store::memory {
namespace {

const NamedKey kPage("site/page");

Draft draft_of(std::string_view selector, std::uint64_t secondary = 0) {
  Draft draft;
  draft.selector = selector;
  draft.secondary = secondary;
  draft.head = "head";
  return draft;
}

template <typename T>
bool is(const auto& variant) {
  return std::holds_alternative<T>(variant);
}

class Collapse : public testing::Test, protected World {
 protected:
  Waiter waiter(const Key& key = kPage, std::uint64_t secondary = 0) {
    return std::get<Waiter>(claim(key, secondary));
  }
  int woken() {
    wake.count = 0;
    queue.drain();
    return wake.count;
  }
};

TEST_F(Collapse, TheFirstLeadsAndTheOthersReadWhatItFillsWhileItFills) {
  Lead leader = lead(kPage);
  Waiter one = waiter(), other = waiter();
  EXPECT_TRUE(is<Waiter::Wait>(one.poll()));
  Fill fill = leader.fill(draft_of("")).value();
  EXPECT_EQ(woken(), 2);
  const auto found = std::get<Ref<Object>>(one.poll());
  EXPECT_EQ(found, std::get<Ref<Object>>(other.poll()));
  BodyReader body(found->body(), queue, wake);
  EXPECT_EQ(body.next(), BodyReader::Next::kWait);
  fill.append("abc");
  EXPECT_EQ(body.next(), BodyReader::Next::kBytes);
  EXPECT_EQ(find(kPage).size(), 1U) << "a fill is found while it fills";
  fill.complete();
  EXPECT_EQ(body_of(found), "abc");
  EXPECT_EQ(store.counts().collapsed, 2U);
}

TEST_F(Collapse, ALeaderThatDiesHandsOverToTheWaiterThatCameFirst) {
  auto leader = std::make_optional(lead(kPage));
  Waiter first = waiter(), second = waiter();
  leader.reset();
  EXPECT_EQ(woken(), 1);
  auto answer = first.poll();
  ASSERT_TRUE(is<Lead>(answer));
  EXPECT_TRUE(is<Waiter::Wait>(second.poll()));
  auto fill = std::get<Lead>(answer).fill(draft_of(""));
  EXPECT_TRUE(is<Ref<Object>>(second.poll()));
  EXPECT_EQ(store.counts().handed_over, 1U);
  fill->complete();
}

TEST_F(Collapse, AWaiterThatIsToLeadAndLeavesPassesItOn) {
  auto leader = std::make_optional(lead(kPage));
  auto first = std::make_optional(waiter());
  Waiter second = waiter();
  leader.reset();
  first.reset();
  EXPECT_TRUE(is<Lead>(second.poll()));
}

TEST_F(Collapse, WaitersThatLeaveAreForgotten) {
  Lead leader = lead(kPage);
  {
    Waiter gone = waiter();
  }
  Waiter stays = waiter();
  leader.pass({});
  EXPECT_EQ(woken(), 1);
  EXPECT_TRUE(is<Waiter::Pass>(stays.poll()));
}

TEST_F(Collapse, AfterManyDeadLeadersEverybodyFetchesAlone) {
  std::vector<Waiter> waiters;
  auto leader = std::make_optional(lead(kPage));
  for (std::uint32_t i = 0; i < kHandoversMax + 3; ++i) waiters.push_back(waiter());
  for (std::uint32_t i = 0; i < kHandoversMax; ++i) {
    leader.reset();
    leader.emplace(std::get<Lead>(waiters[i].poll()));
  }
  leader.reset();
  for (std::uint32_t i = kHandoversMax; i < waiters.size(); ++i)
    EXPECT_TRUE(is<Waiter::Pass>(waiters[i].poll()));
}

TEST_F(Collapse, AnUncacheableOutcomeReleasesEveryoneAndIsRememberedForItsTime) {
  Lead leader = lead(kPage);
  Waiter one = waiter(), other = waiter();
  leader.pass(now + 10s);
  EXPECT_EQ(woken(), 2);
  EXPECT_TRUE(is<Waiter::Pass>(one.poll()));
  EXPECT_TRUE(is<Waiter::Pass>(other.poll()));
  EXPECT_TRUE(find(kPage).passes(0));
  EXPECT_TRUE(is<FetchAlone>(claim(kPage)));
  EXPECT_FALSE(find(kPage).passes(5)) << "another variant may be cacheable";
  EXPECT_TRUE(is<Lead>(claim(kPage, 5)));
  now = now + 10s;
  EXPECT_FALSE(find(kPage).passes(0));
  EXPECT_TRUE(is<Lead>(claim(kPage)));
}

TEST_F(Collapse, AnOutcomeThatIsNotRememberedLeavesNothingBehind) {
  lead(kPage).pass({});
  EXPECT_EQ(store.counts().keys, 0U);
  EXPECT_TRUE(is<Lead>(claim(kPage)));
}

TEST_F(Collapse, WhatBecomesCacheableIsMarkedNoMore) {
  lead(kPage).pass(now + 100s);
  Fill fill = store.lead_alone(kPage, 0)->fill(draft_of("")).value();
  fill.complete();
  EXPECT_FALSE(find(kPage).passes(0));
}

TEST_F(Collapse, MarkersAreBoundedAndTheOldestGoes) {
  for (int i = 0; i < 10'000; ++i)
    lead(NamedKey("uncacheable/" + std::to_string(i))).pass(now + 100s);
  EXPECT_LE(store.counts().keys, (8U << 20) / kMarkerShare / 100);
  EXPECT_TRUE(find(NamedKey("uncacheable/9999")).passes(0));
  EXPECT_FALSE(find(NamedKey("uncacheable/0")).passes(0));
}

TEST_F(Collapse, DifferentVariantsAreFetchedSideBySide) {
  Lead gzip = lead(kPage, 1);
  Lead plain = lead(kPage, 2);
  Waiter waits_for_gzip = waiter(kPage, 1);
  Fill fill = plain.fill(draft_of("plain", 2)).value();
  EXPECT_TRUE(is<Waiter::Wait>(waits_for_gzip.poll()));
  Fill other = gzip.fill(draft_of("gzip", 1)).value();
  EXPECT_EQ(std::get<Ref<Object>>(waits_for_gzip.poll())->selector(), "gzip");
  EXPECT_EQ(find(kPage).size(), 2U);
}

TEST_F(Collapse, AWaiterThatGotAnotherVariantClaimsItsOwn) {
  Lead leader = lead(kPage);  // nobody knows yet that the page varies
  Waiter wants_plain = waiter();
  Fill gzip = leader.fill(draft_of("gzip", 1)).value();
  ASSERT_EQ(std::get<Ref<Object>>(wants_plain.poll())->selector(), "gzip");
  EXPECT_TRUE(is<Lead>(claim(kPage, 2)));
}

TEST_F(Collapse, AClaimOnWhatHasChangedSinceTheFindSaysSo) {
  const View before = find(kPage);
  put(kPage, "body");
  const Claim claim = store.claim(kPage, 0, before, now, queue, wake);
  ASSERT_TRUE(is<View>(claim));
  EXPECT_EQ(std::get<View>(claim).size(), 1U);
}

TEST_F(Collapse, AnObjectThatFailsIsNotFoundAgain) {
  for (const bool abandon : {false, true}) {
    auto fill = std::make_optional(lead(kPage).fill(draft_of("")).value());
    fill->append("half");
    const Ref<Object> object = find(kPage).take(0);
    const View before = find(kPage);
    abandon ? fill.reset() : fill->fail();
    EXPECT_FALSE(has(kPage));
    BodyReader body(object->body(), queue, wake);
    body.consume(4);
    EXPECT_EQ(body.next(), BodyReader::Next::kCut);
  }
  EXPECT_EQ(store.counts().keys, 0U);
}

TEST_F(Collapse, WhatAFillWouldReplaceStaysUntilTheFillIsComplete) {
  put(kPage, "old", draft_of("v"));
  {
    Fill fill = store.lead_alone(kPage, 0)->fill(draft_of("v")).value();
    ASSERT_EQ(find(kPage).size(), 2U);
    EXPECT_EQ(find(kPage)[0].body()->length(), 0U) << "the newest is first";
  }
  ASSERT_EQ(find(kPage).size(), 1U);
  put(kPage, "new", draft_of("v"));
  ASSERT_EQ(find(kPage).size(), 1U);
  EXPECT_EQ(body_of(find(kPage).take(0)), "new");
}

TEST_F(Collapse, FresheningKeepsTheBodyAndSwapsTheRest) {
  Draft draft = draft_of("v");
  draft.metadata = "1";
  put(kPage, "body", draft);
  const Ref<Object> stored = find(kPage).take(0);
  Lead leader = lead(kPage);
  Waiter other = waiter();
  draft.metadata = "2";
  draft.head = "newer head";
  const Ref<Object> fresh = leader.freshen(stored, draft).value();
  EXPECT_EQ(std::get<Ref<Object>>(other.poll()), fresh);
  ASSERT_EQ(find(kPage).size(), 1U);
  EXPECT_EQ(find(kPage).take(0), fresh);
  EXPECT_EQ(fresh->metadata(), "2");
  EXPECT_EQ(fresh->head(), "newer head");
  EXPECT_EQ(fresh->body(), stored->body());
  EXPECT_EQ(stored->metadata(), "1");
  EXPECT_EQ(store.counts().objects, 1U);
}

TEST_F(Collapse, WhatWasEvictedWhileItWasValidatedIsStoredAgain) {
  const Ref<Object> stored = put(kPage, "body");
  Lead leader = lead(kPage);
  store.purge_key(kPage, Purge::kSoft);
  while (has(kPage)) store.purge_everything(Purge::kHard), store.sweep();
  Lead later = *store.lead_alone(kPage, 0);
  EXPECT_TRUE(later.freshen(stored, draft_of("")).has_value());
  EXPECT_EQ(body_of(find(kPage).take(0)), "body");
}

TEST_F(Collapse, TooManyVariantsDropTheOldest) {
  for (std::uint64_t i = 0; i < kVariantsMax + 4; ++i)
    put(kPage, std::to_string(i), draft_of("v" + std::to_string(i), i));
  const View view = find(kPage);
  ASSERT_EQ(view.size(), kVariantsMax);
  EXPECT_EQ(view[0].secondary(), kVariantsMax + 3);
  EXPECT_EQ(view[kVariantsMax - 1].secondary(), 4U);
  EXPECT_EQ(store.counts().objects, kVariantsMax);
}

TEST_F(Collapse, AHeadOrLabelsBeyondTheLimitsAreRefusedAndTheLeadGoesOn) {
  Lead leader = lead(kPage);
  Waiter other = waiter();
  const std::string big(kHeadBytesMax + 1, 'x');
  Draft draft = draft_of("");
  draft.head = big;
  EXPECT_EQ(leader.fill(draft).error().code, Code::kExhausted);
  draft.head = {};
  const std::vector<std::string_view> labels(kLabelsMax + 1, "label");
  draft.labels = labels;
  EXPECT_EQ(leader.fill(draft).error().code, Code::kExhausted);
  draft.labels = {};
  draft.selector = std::string_view(big).substr(0, kSelectorBytesMax + 1);
  EXPECT_EQ(leader.fill(draft).error().code, Code::kExhausted);
  leader.pass({});
  EXPECT_TRUE(is<Waiter::Pass>(other.poll()));
}

TEST_F(Collapse, AKeyBeyondTheLimitIsFetchedAlone) {
  const NamedKey key(std::string(kKeyBytesMax + 1, 'k'));
  EXPECT_TRUE(is<FetchAlone>(claim(key)));
  EXPECT_FALSE(store.lead_alone(key, 0).has_value());
}

}  // namespace
}  // namespace headgate::store::memory
