#pragma once
// The right to be told how a request ended. The asker and the I/O thread each have one; any thread.
#include <atomic>
#include <memory>

namespace headgate::store::disk {

class Ticket {
 public:
  Ticket() : state_(std::make_shared<std::atomic<State>>(State::kWaiting)) {}

  // True: the completion is never called. False: it was called, or is being called just now by an
  // I/O thread; what it posted to the worker is still to come.
  bool cancel() { return leave_waiting(State::kCancelled); }
  bool cancelled() const { return state_->load(std::memory_order_acquire) == State::kCancelled; }
  // By who calls the completion, before: false when it must not.
  bool redeem() { return leave_waiting(State::kDone); }

 private:
  enum class State { kWaiting, kDone, kCancelled };
  bool leave_waiting(State next) {
    State expected = State::kWaiting;
    return state_->compare_exchange_strong(expected, next, std::memory_order_acq_rel);
  }
  std::shared_ptr<std::atomic<State>> state_;
};

}  // namespace headgate::store::disk
