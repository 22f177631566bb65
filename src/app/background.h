#pragma once
// A thread of the data plane for what takes long and must not hold up its control loop: reading and
// compiling a configuration, writing to disk. Work runs in order; its result comes back as a task
// of the loop. The destructor waits for the piece of work that runs, drops the others, and no
// result is delivered after it.
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "io/loop.h"

namespace headgate::app {

class Background {
 public:
  explicit Background(io::Loop& loop);
  ~Background();

  // `work()` on the thread; then `done(result)` on the loop.
  template <typename Work, typename Done>
  void run(Work work, Done done) {
    const std::weak_ptr<int> alive = alive_;
    add(io::Task([this, alive, work = std::move(work), done = std::move(done)]() mutable {
      deliver([alive, result = work(), done = std::move(done)]() mutable {
        if (!alive.expired()) done(std::move(result));
      });
    }));
  }

 private:
  template <typename F>
  void deliver(F finish) {
    auto shared = std::make_shared<F>(std::move(finish));
    // A full mailbox would lose the result; the loop is then far behind, and a turn later there is
    // room. A loop that waits in the destructor has no more turns.
    while (!stopping() && !loop_.mailbox().post([shared] { (*shared)(); })) {
      std::this_thread::yield();
    }
  }
  void add(io::Task task);
  void serve();
  bool stopping();

  io::Loop& loop_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // touched on the loop's thread alone
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<io::Task> tasks_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace headgate::app
