#pragma once
// Numbers that one thread writes and any thread may read: a worker counts, the admin thread adds up at scrape.
// Relaxed atomics with one writer compile to plain loads and stores, so counting costs no locked instruction.
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

namespace headgate {

class Counter {
 public:
  void add(std::uint64_t n = 1) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void add(std::int64_t n) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  void set(std::int64_t n) { value_.store(n, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

// Latencies in microseconds, four buckets to each power of two: relative error of a quantile is at most 19 %.
class Histogram {
 public:
  static constexpr int kSubBits = 2;
  static constexpr int kBuckets = 40 << kSubBits;  // up to 2^40 µs, 12 days

  static constexpr int bucket_of(std::uint64_t us) {
    if (us < (1U << kSubBits)) return static_cast<int>(us);
    const int top = 63 - std::countl_zero(us);
    const int sub = static_cast<int>(us >> (top - kSubBits)) & ((1 << kSubBits) - 1);
    const int bucket = ((top - kSubBits + 1) << kSubBits) + sub;
    return bucket < kBuckets ? bucket : kBuckets - 1;
  }
  // Largest value, in µs, that falls into the bucket.
  static constexpr std::uint64_t upper_bound(int bucket) {
    if (bucket < (1 << kSubBits)) return static_cast<std::uint64_t>(bucket);
    const int shift = (bucket >> kSubBits) - 1;
    const std::uint64_t sub = static_cast<std::uint64_t>(bucket & ((1 << kSubBits) - 1));
    return ((sub + (1U << kSubBits) + 1) << shift) - 1;
  }

  void record(std::uint64_t us) {
    buckets_[static_cast<std::size_t>(bucket_of(us))].add();
    sum_us_.add(us);
  }
  std::uint64_t count_at(int bucket) const { return buckets_[static_cast<std::size_t>(bucket)].value(); }
  std::uint64_t sum_us() const { return sum_us_.value(); }

 private:
  std::array<Counter, kBuckets> buckets_;
  Counter sum_us_;
};

}  // namespace headgate
