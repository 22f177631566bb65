#pragma once
// One epoll loop for one thread. Descriptors are registered once, edge-triggered, for both directions: a handler reads and
// writes until the kernel says "would block" and keeps its own notion of what is wanted.
// Order within a turn: events, deferred work, timers, tasks from other threads, then retired objects are destroyed; so an
// object that was retired during a turn can still be reached by the other handlers of that turn, but gets no more events.
#include <sys/epoll.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/counter.h"
#include "base/list.h"
#include "base/result.h"
#include "base/time.h"
#include "io/fd.h"
#include "io/mailbox.h"
#include "io/timer.h"

namespace headgate::io {

// Receives readiness (EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR).
class EventHandler {
 public:
  EventHandler() = default;
  EventHandler(const EventHandler&) = delete;
  EventHandler& operator=(const EventHandler&) = delete;
  virtual ~EventHandler() = default;
  virtual void on_io(std::uint32_t events) = 0;

 private:
  friend class Loop;
  bool retired_ = false;
};

// Work that runs once at the end of the turn in which it was asked for: coalesces writes.
struct DeferTag;
class Deferred : public ListNode<DeferTag> {
 public:
  using Run = void (*)(void* owner);
  Deferred(Run run, void* owner) : run_(run), owner_(owner) {}

 private:
  friend class Loop;
  Run run_;
  void* owner_;
};

class Loop {
 public:
  Loop();
  ~Loop();

  // Records how long each turn works, in microseconds, from now on.
  void measure(Histogram& busy_us) { busy_us_ = &busy_us; }
  void run();                 // until stop()
  void stop();                // any thread
  void turn(Duration wait_max);  // one turn; tests and nested waits

  static constexpr std::uint32_t kBoth = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  [[nodiscard]] Status add(int fd, std::uint32_t events, EventHandler& handler);
  void modify(int fd, std::uint32_t events, EventHandler& handler);
  void remove(int fd);

  Instant now() const { return now_; }
  WallTime wall() const { return wall_; }
  TimerWheel& timers() { return timers_; }
  Mailbox& mailbox() { return mailbox_; }
  void arm(Timer& timer, Duration after) { timers_.arm(timer, now_ + after); }
  // Unless it is due before that anyway.
  void arm_earlier(Timer& timer, Duration after) {
    if (!timer.armed() || timer.deadline() > now_ + after) arm(timer, after);
  }
  void disarm(Timer& timer) { timers_.disarm(timer); }
  void defer(Deferred& work) { if (!work.linked()) deferred_.push_back(work); }

  // Takes an object out of service: no more events, destroyed at the end of the turn.
  void retire(std::unique_ptr<EventHandler> handler);

 private:
  class Wake;
  void sample_clocks();
  int wait_milliseconds(Duration wait_max) const;
  void run_deferred();
  void destroy_retired();

  Fd epoll_;
  Histogram* busy_us_ = nullptr;
  Instant now_;
  WallTime wall_;
  TimerWheel timers_;
  Mailbox mailbox_;
  std::unique_ptr<Wake> wake_;
  List<Deferred, DeferTag> deferred_;
  std::vector<std::unique_ptr<EventHandler>> retired_, dying_;
  std::atomic<bool> stopping_{false};
};

}  // namespace headgate::io
