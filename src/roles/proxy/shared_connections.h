#pragma once
// What the workers of the process share of the connections to one upstream: their number against
// its limit, idle ones that no worker keeps, and wants. Any thread. While nobody wants, a
// connection costs one atomic operation and a request none.
//
// A pool that may not connect files a want. As long as there are wants, no worker keeps an idle
// connection and no place stays free: whoever has the one or the other gives it to the oldest want.
// The connection itself goes where both are for the same endpoint, else its place within the limit.
// Grants travel by mailbox. The first want calls on all pools to look for idle connections; a later
// one finds them looking. Limits: kLentMax idle connections; wants are bounded by the upstream's
// limit of waiting requests, for each worker.
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/time.h"
#include "io/mailbox.h"
#include "io/stream.h"
#include "model/upstream.h"

namespace headgate::proxy {

struct Endpoint;

// A place within the limit that changes hands, with the idle connection that had it or without.
struct Spare {
  io::Stream stream;
  std::uint64_t requests_served = 0;
  bool connected() const { return stream.valid(); }
};

// A pool as the others see it. Called by its own loop.
class SpareTaker {
 public:
  virtual ~SpareTaker() = default;
  // Answers a want for this endpoint. The place is the taker's from here.
  virtual void take(const Endpoint& endpoint, Spare spare) = 0;
  // Somebody wants: idle connections are to be claimed for.
  virtual void give_idle() = 0;
};

class SharedConnections : public std::enable_shared_from_this<SharedConnections> {
 public:
  static constexpr std::size_t kLentMax = 256;
  // The taker's own thread alone touches `taker`; null once it has left.
  struct Member {
    SpareTaker* taker;
    io::Mailbox& mailbox;
  };
  struct Want {
    std::shared_ptr<Member> member;
    std::shared_ptr<const Endpoint> endpoint;
    Instant since;
  };

  explicit SharedConnections(const model::Upstream& definition);

  std::shared_ptr<Member> join(SpareTaker& taker, io::Mailbox& mailbox);
  void leave(const std::shared_ptr<Member>& member);  // its wants go with it

  // Places within the limit. A newcomer gets none while others wait for one.
  bool take_place();
  void leave_place();
  std::int64_t count() const { return count_.load(std::memory_order_relaxed); }

  bool wanted() const { return wanted_.load(std::memory_order_relaxed) > 0; }
  void want(Want want);
  // Takes back the member's youngest want for the endpoint; false when a grant is on its way.
  bool withdraw(const Member& member, const Endpoint& endpoint);

  // Who is to have an idle connection that `by` holds.
  struct Claim {
    enum class By : std::uint8_t {
      kNobody,
      kItself,         // the oldest want is its own, and met by this
      kOther,          // another pool's: pass the connection on to `want`
      kOtherEndpoint,  // of no use to the oldest want: close it, the place goes there
    };
    By by = By::kNobody;
    Want want = {};
  };
  Claim claim(const Member& holder, const Endpoint& endpoint);
  void pass_on(Want want, Spare spare);
  // Whether another member has waited since before `then`.
  bool overdue(const Member& member, Instant then) const;
  // After a full mailbox: what was not delivered is tried again.
  void retry();

  // A surplus idle connection of one worker waits here for another.
  void lend(std::shared_ptr<const Endpoint> endpoint, Spare spare, Instant now);
  std::optional<Spare> borrow(const Endpoint& endpoint, Instant now);
  bool may_borrow() const { return lent_count_.load(std::memory_order_relaxed) > 0; }
  // Closes those that are idle for too long.
  void expire_lent(Instant now);
  // The upstream left the configuration: closes all, and whatever a worker still lends.
  void drop_lent();

 private:
  struct Lent {
    std::shared_ptr<const Endpoint> endpoint;
    Spare spare;
    Instant since;
  };
  bool claim_place();
  void match();
  bool find_spare(const Want& want, Spare& spare);
  bool deliver(const Want& want, Spare spare);
  Want pop_oldest();
  void call_all(const Member& except);
  void wants_changed();
  void lent_changed();

  const std::int64_t limit_;
  const Duration idle_timeout_;
  const bool transferable_;  // a connection serves any client
  std::atomic<std::int64_t> count_{0};
  std::atomic<std::size_t> wanted_{0}, lent_count_{0};
  mutable std::mutex mutex_;  // guards what follows
  std::vector<std::shared_ptr<Member>> members_;
  std::deque<Want> wants_;  // the oldest first
  std::vector<Lent> lent_;  // none while there are wants
  bool lends_ = true, call_missed_ = false;
};

}  // namespace headgate::proxy
