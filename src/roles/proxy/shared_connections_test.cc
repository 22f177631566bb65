#include "roles/proxy/shared_connections.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/prng.h"
#include "roles/proxy/testing/one_worker.h"
#include "roles/proxy/upstream_state.h"

namespace headgate::proxy {
namespace {

using By = SharedConnections::Claim::By;

// A pool without connections of its own: notes what it gets.
class Taker final : public SpareTaker {
 public:
  explicit Taker(SharedConnections& shared)
      : shared_(shared), member(shared.join(*this, mailbox)) {}
  ~Taker() override {
    if (member->taker) shared_.leave(member);
  }
  void take(const Endpoint& endpoint, Spare spare) override {
    got += endpoint.name + (spare.connected() ? "! " : "? ");
    spares.push_back(std::move(spare));
  }
  void give_idle() override { ++calls; }
  std::string hear() {
    mailbox.drain();
    return std::exchange(got, {});
  }

 private:
  SharedConnections& shared_;
  std::string got;

 public:
  io::Mailbox mailbox;
  std::shared_ptr<SharedConnections::Member> member;
  std::vector<Spare> spares;
  int calls = 0;
};

class Sharing : public ::testing::Test {
 protected:
  static model::Upstream define(std::uint32_t limit, model::ProxyProtocol header) {
    model::Upstream upstream;
    upstream.limits.connections_max = limit;
    upstream.idle_timeout = 60s;
    upstream.send_proxy_protocol = header;
    return upstream;
  }
  static std::shared_ptr<SharedConnections> make(
      std::uint32_t limit, model::ProxyProtocol header = model::ProxyProtocol::kNone) {
    return std::make_shared<SharedConnections>(define(limit, header));
  }
  static std::shared_ptr<Endpoint> endpoint(const std::string& name) {
    auto made = std::make_shared<Endpoint>();
    made->name = name;
    return made;
  }
  Spare connection() {
    testing::SocketPair pair;
    far.push_back(std::move(pair.far));
    return {io::Stream(std::move(pair.near)), 1};
  }

  std::shared_ptr<SharedConnections> shared = make(1);
  std::shared_ptr<Endpoint> a = endpoint("a"), b = endpoint("b");
  Taker one{*shared}, two{*shared};
  std::vector<io::Fd> far;
  Instant now{1'000'000'000};
};

TEST_F(Sharing, PlacesEndAtTheLimit) {
  EXPECT_TRUE(shared->take_place());
  EXPECT_FALSE(shared->take_place());
  EXPECT_EQ(shared->count(), 1);
  shared->leave_place();
  EXPECT_TRUE(shared->take_place());
}

TEST_F(Sharing, AFreedPlaceGoesToTheOldestWantAndToNoNewcomer) {
  ASSERT_TRUE(shared->take_place());
  shared->want({two.member, a, now});
  shared->want({one.member, b, now});
  EXPECT_EQ(two.hear() + one.hear(), "");
  shared->leave_place();
  EXPECT_FALSE(shared->take_place());
  EXPECT_EQ(shared->count(), 1) << "the place stays taken on its way";
  EXPECT_EQ(one.hear(), "");
  EXPECT_EQ(two.hear(), "a? ");
  shared->leave_place();
  EXPECT_EQ(one.hear(), "b? ");
  EXPECT_FALSE(shared->wanted());
}

TEST_F(Sharing, TheFirstWantCallsOnTheOthersAndTheNextDoesNot) {
  ASSERT_TRUE(shared->take_place());
  shared->want({two.member, a, now});
  shared->want({two.member, a, now});
  EXPECT_EQ(one.hear() + two.hear(), "");
  EXPECT_EQ(one.calls, 1);
  EXPECT_EQ(two.calls, 0);
}

TEST_F(Sharing, AWantIsMetAtOnceWhereThereIsRoomOrALentConnection) {
  shared->want({one.member, a, now});
  EXPECT_EQ(one.hear(), "a? ");
  shared->lend(b, connection(), now);
  shared->lend(a, connection(), now);
  shared->want({two.member, a, now});
  EXPECT_EQ(two.hear(), "a! ");
  EXPECT_EQ(two.spares.back().requests_served, 1u);
  shared->want({two.member, a, now});
  EXPECT_EQ(two.hear(), "a? ") << "that to another endpoint is closed for its place";
  EXPECT_FALSE(shared->may_borrow());
}

TEST_F(Sharing, WhatIsLentWhileOthersWantGoesToThem) {
  ASSERT_TRUE(shared->take_place());
  shared->want({two.member, a, now});
  shared->lend(a, connection(), now);
  EXPECT_EQ(two.hear(), "a! ");
  EXPECT_FALSE(shared->may_borrow());
  EXPECT_EQ(shared->count(), 1);
}

TEST_F(Sharing, AnIdleConnectionIsClaimedForTheOldestWant) {
  EXPECT_EQ(shared->claim(*one.member, *a).by, By::kNobody);
  ASSERT_TRUE(shared->take_place());
  shared->want({one.member, b, now});
  shared->want({two.member, a, now});
  shared->want({one.member, a, now});
  EXPECT_EQ(shared->claim(*one.member, *a).by, By::kOtherEndpoint);
  EXPECT_EQ(shared->claim(*two.member, *b).by, By::kOther);
  auto claim = shared->claim(*one.member, *a);
  ASSERT_EQ(claim.by, By::kOther);
  shared->pass_on(std::move(claim.want), connection());
  EXPECT_EQ(two.hear(), "a! ");
  EXPECT_EQ(shared->claim(*one.member, *a).by, By::kItself);
  EXPECT_FALSE(shared->wanted());
}

TEST_F(Sharing, AConnectionThatBeganWithAClientsAddressServesNoOtherWorker) {
  const auto strict = make(1, model::ProxyProtocol::kV1);
  Taker third(*strict), fourth(*strict);
  ASSERT_TRUE(strict->take_place());
  strict->want({third.member, a, now});
  EXPECT_EQ(strict->claim(*fourth.member, *a).by, By::kOtherEndpoint);
  EXPECT_EQ(strict->claim(*third.member, *a).by, By::kItself);
}

TEST_F(Sharing, AWantIsTakenBackUnlessItsGrantIsOnItsWay) {
  ASSERT_TRUE(shared->take_place());
  shared->want({two.member, a, now});
  EXPECT_FALSE(shared->withdraw(*one.member, *a));
  EXPECT_FALSE(shared->withdraw(*two.member, *b));
  EXPECT_TRUE(shared->withdraw(*two.member, *a));
  EXPECT_FALSE(shared->wanted());
  shared->want({two.member, a, now});
  shared->leave_place();
  EXPECT_FALSE(shared->withdraw(*two.member, *a));
  EXPECT_EQ(two.hear(), "a? ");
}

TEST_F(Sharing, AGrantToAPoolThatHasLeftGoesToTheNext) {
  ASSERT_TRUE(shared->take_place());
  shared->want({two.member, a, now});
  shared->want({one.member, a, now});
  shared->lend(a, connection(), now);
  shared->leave(two.member);
  EXPECT_EQ(two.hear(), "");
  EXPECT_EQ(one.hear(), "a? ") << "the connection was closed";
  EXPECT_EQ(shared->count(), 1);
}

TEST_F(Sharing, WantsOfAPoolThatLeavesGoWithIt) {
  ASSERT_TRUE(shared->take_place());
  shared->want({two.member, a, now});
  shared->leave(two.member);
  EXPECT_FALSE(shared->wanted());
  shared->leave_place();
  EXPECT_EQ(shared->count(), 0);
}

TEST_F(Sharing, AFullMailboxLosesNoWant) {
  ASSERT_TRUE(shared->take_place());
  for (std::size_t i = 0; i < io::Mailbox::kTasksMax; ++i) ASSERT_TRUE(two.mailbox.post([] {}));
  shared->want({two.member, a, now});
  shared->lend(a, connection(), now);
  EXPECT_EQ(shared->count(), 0);
  EXPECT_TRUE(shared->wanted());
  EXPECT_EQ(two.hear(), "");
  shared->retry();
  EXPECT_EQ(two.hear(), "a? ");
}

TEST_F(Sharing, TellsWhetherOthersWaitForLong) {
  ASSERT_TRUE(shared->take_place());
  shared->want({two.member, a, now});
  EXPECT_TRUE(shared->overdue(*one.member, now + 1ms));
  EXPECT_FALSE(shared->overdue(*one.member, now));
  EXPECT_FALSE(shared->overdue(*two.member, now + 1ms));
}

TEST_F(Sharing, LentConnectionsEndWithTheirTimeOrTheirUpstream) {
  ASSERT_TRUE(shared->take_place());
  shared->lend(a, connection(), now);
  EXPECT_FALSE(shared->borrow(*b, now));
  EXPECT_FALSE(shared->borrow(*a, now + 60s));
  shared->expire_lent(now + 60s);
  EXPECT_EQ(shared->count(), 0);
  ASSERT_TRUE(shared->take_place());
  shared->lend(a, connection(), now);
  EXPECT_TRUE(shared->borrow(*a, now));
  shared->lend(a, connection(), now);
  shared->drop_lent();
  EXPECT_EQ(shared->count(), 0);
}

// Workers on threads, each with requests that want, are met, and give up what they had, in random
// order: at the end nobody is left waiting, and never were there more connections than the limit.
class Busy final : public SpareTaker {
 public:
  Busy(SharedConnections& shared, std::shared_ptr<Endpoint> a, std::shared_ptr<Endpoint> b,
       std::uint64_t seed)
      : shared_(shared),
        ends_{std::move(a), std::move(b)},
        prng_{seed},
        member_(shared.join(*this, mailbox_)) {}
  void take(const Endpoint&, Spare) override {
    ++met_;
    EXPECT_LE(shared_.count(), kLimit);
    shared_.leave_place();
  }
  void give_idle() override {}
  void work(int requests) {
    for (int i = 0; i < requests; ++i) {
      if (shared_.take_place()) {
        EXPECT_LE(shared_.count(), kLimit);
        shared_.leave_place();
      } else {
        const auto& endpoint = ends_[prng_.below(2)];
        ++filed_;
        shared_.want({member_, endpoint, Instant{}});
        if (prng_.below(8) == 0 && shared_.withdraw(*member_, *endpoint)) --filed_;
      }
      if (prng_.below(4) == 0) mailbox_.drain();
    }
    const int spins_max = 50'000'000;
    for (int spin = 0; met_ < filed_ && spin < spins_max; ++spin) mailbox_.drain();
    EXPECT_EQ(met_, filed_);
  }
  static constexpr std::int64_t kLimit = 2;

 private:
  SharedConnections& shared_;
  std::shared_ptr<Endpoint> ends_[2];
  Prng prng_;
  io::Mailbox mailbox_;
  std::shared_ptr<SharedConnections::Member> member_;
  int filed_ = 0, met_ = 0;
};

TEST_F(Sharing, ManyWorkersLeaveNobodyWaiting) {
  const auto busy = make(Busy::kLimit);
  std::vector<std::unique_ptr<Busy>> workers;
  for (std::uint64_t i = 0; i < 4; ++i)
    workers.push_back(std::make_unique<Busy>(*busy, a, b, i + 1));
  std::vector<std::thread> threads;
  for (auto& worker : workers) threads.emplace_back([&worker] { worker->work(3000); });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(busy->count(), 0);
  EXPECT_FALSE(busy->wanted());
}

}  // namespace
}  // namespace headgate::proxy
