#pragma once
// The segments that are there, by age. One thread changes it, any looks; what is taken out stays
// readable for those who hold it.
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <shared_mutex>
#include <vector>

#include "store/disk/segment.h"

namespace headgate::store::disk {

class Segments {
 public:
  explicit Segments(std::uint64_t bytes_each) : bytes_each_(bytes_each) {}
  void add(std::shared_ptr<Segment> segment);
  std::shared_ptr<Segment> take_oldest();

  // By the low bits of its number; null when it is gone.
  std::shared_ptr<Segment> find(std::uint16_t id) const;
  std::shared_ptr<Segment> oldest() const;
  std::shared_ptr<Segment> newest() const;
  std::vector<std::shared_ptr<Segment>> all() const;  // the oldest first
  std::size_t count() const;
  // What they take: each what is allocated for it, or more when it was made under other options.
  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  std::uint64_t charge(const Segment& segment) const;

  const std::uint64_t bytes_each_;
  std::atomic<std::uint64_t> bytes_{0};
  mutable std::shared_mutex mutex_;
  std::map<std::uint64_t, std::shared_ptr<Segment>> by_number_;
};

}  // namespace headgate::store::disk
