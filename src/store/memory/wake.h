#pragma once
// Wake-ups across workers. Whoever waits for an object hangs a Waker into the object's WakeList;
// whoever changes the object takes the wakers out under the object's lock into a WakeChain and,
// without any lock, sends it: each waker goes into the WakeQueue of its worker, once however often
// it is woken before that worker looks, and a queue that was empty rings.
//
// A Wakeup is the owner's handle. It lives and dies on its worker's thread in any state: while it
// waits (its holder takes it off the list), and while a wake-up is on the way (which then meets
// nobody).
#include <atomic>
#include <mutex>
#include <vector>

#include "base/list.h"
#include "io/callback.h"
#include "store/memory/ref.h"

namespace headgate::store::memory {

class Waker;

class Wakeable {
 public:
  // On the worker's own thread, with no lock held; may destroy the Wakeup. May come without cause:
  // look again.
  virtual void on_wake() = 0;

 protected:
  ~Wakeable() = default;
};

// One of each worker; outlives every Wakeup of that worker and every thread that fills objects.
class WakeQueue {
 public:
  // `ring` is called on any thread and posts drain() to the worker. A ring that got lost (a full
  // mailbox) is not repeated; a worker that calls drain() after its mailbox too, which costs one
  // load, misses nothing.
  explicit WakeQueue(io::Callback<> ring) : ring_(std::move(ring)) {}
  ~WakeQueue();
  // The worker's thread: on_wake of everybody who was woken, the first first.
  void drain();

 private:
  friend class WakeChain;
  void push(Waker& waker);
  std::atomic<Waker*> newest_{nullptr};
  io::Callback<> ring_;
};

class Waker final : public Counted<Waker>, public ListNode<Waker> {
 public:
  void destroy() { delete this; }

 private:
  friend class Wakeup;
  friend class WakeQueue;
  friend class WakeChain;
  Waker(WakeQueue& queue, Wakeable* target) : queue_(queue), target_(target) {}
  WakeQueue& queue_;
  Wakeable* target_;                     // the worker's thread alone
  std::atomic<bool> on_the_way_{false};  // in a chain or in the queue, which then holds a reference
  Waker* next_on_the_way_ = nullptr;
};

class Wakeup {
 public:
  Wakeup(WakeQueue& queue, Wakeable& target)
      : waker_(Ref<Waker>::adopt(new Waker(queue, &target))) {}
  ~Wakeup() { waker_->target_ = nullptr; }
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;
  Waker& waker() const { return *waker_; }

 private:
  Ref<Waker> waker_;
};

class WakeChain {
 public:
  WakeChain() = default;
  WakeChain(const WakeChain&) = delete;
  WakeChain& operator=(const WakeChain&) = delete;
  ~WakeChain() { send(); }
  void add(Ref<Waker> waker);
  void send();  // no lock held

 private:
  Waker* first_ = nullptr;
  Waker* last_ = nullptr;
};

// Guarded by the lock of the object that it belongs to.
class WakeList {
 public:
  WakeList() = default;
  ~WakeList();
  void add(Waker& waker);
  void remove(Waker& waker);  // whether or not it is in
  Ref<Waker> take_first();    // empty when nobody waits
  void take_all(WakeChain& chain);
  bool empty() const { return const_cast<List<Waker, Waker>&>(waiting_).empty(); }

 private:
  List<Waker, Waker> waiting_;
};

}  // namespace headgate::store::memory
