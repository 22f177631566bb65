#pragma once
// The way into a loop from other threads: a bounded queue of tasks and a descriptor that wakes the loop.
// Any thread posts; the loop's thread takes. Tasks run in the order of posting.
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "io/fd.h"

namespace headgate::io {

// A move-only piece of work; small enough a concept that <functional> is not needed in headers.
class Task {
 public:
  template <typename F>
  explicit Task(F work) : work_(std::make_unique<Holder<F>>(std::move(work))) {}
  void run() { work_->run(); }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual void run() = 0;
  };
  template <typename F>
  struct Holder : Base {
    explicit Holder(F w) : work(std::move(w)) {}
    void run() override { work(); }
    F work;
  };
  std::unique_ptr<Base> work_;
};

class Mailbox {
 public:
  static constexpr std::size_t kTasksMax = 65536;
  Mailbox();
  // False when the queue is full: the caller keeps what it wanted to hand over.
  template <typename F>
  [[nodiscard]] bool post(F work) {
    return post_task(Task(std::move(work)));
  }
  [[nodiscard]] bool post_task(Task task);
  void drain();
  int wake_fd() const { return wake_.get(); }

 private:
  Fd wake_;
  std::mutex mutex_;
  std::vector<Task> tasks_;
  std::vector<Task> running_;
};

}  // namespace headgate::io
