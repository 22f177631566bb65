#pragma once
// A bounded queue between those who may not wait and the I/O threads. Full by number or by weight
// (bytes): push says so at once. Any thread.
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace headgate::store::disk {

struct QueueLimits {
  std::size_t requests = 0;
  std::size_t weight = 0;
};

template <typename T>
class RequestQueue {
 public:
  // False, and the request is left as it was: beyond the limits, or closed. One request of any
  // weight fits into an empty queue.
  [[nodiscard]] bool push(T& request, std::size_t weight, const QueueLimits& limits) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_ || requests_.size() >= limits.requests) return false;
      if (!requests_.empty() && weight_ + weight > limits.weight) return false;
      weight_ += weight;
      requests_.emplace_back(std::move(request), weight);
    }
    ready_.notify_one();
    return true;
  }
  // Waits; nothing when it is closed and empty.
  std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] { return closed_ || !requests_.empty(); });
    if (requests_.empty()) return std::nullopt;
    auto [request, weight] = std::move(requests_.front());
    requests_.pop_front();
    weight_ -= weight;
    return std::optional<T>(std::move(request));
  }
  // Nothing new gets in; what is in can be popped.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    ready_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::pair<T, std::size_t>> requests_;
  std::size_t weight_ = 0;
  bool closed_ = false;
};

}  // namespace headgate::store::disk
