#include "store/disk/segments.h"

#include <algorithm>
#include <mutex>
#include <utility>

namespace headgate::store::disk {

void Segments::add(std::shared_ptr<Segment> segment) {
  const std::unique_lock lock(mutex_);
  bytes_.fetch_add(charge(*segment), std::memory_order_relaxed);
  by_number_[segment->number()] = std::move(segment);
}

std::shared_ptr<Segment> Segments::take_oldest() {
  const std::unique_lock lock(mutex_);
  if (by_number_.empty()) return nullptr;
  auto oldest = std::move(by_number_.begin()->second);
  by_number_.erase(by_number_.begin());
  bytes_.fetch_sub(charge(*oldest), std::memory_order_relaxed);
  return oldest;
}

std::shared_ptr<Segment> Segments::find(std::uint16_t id) const {
  const std::shared_lock lock(mutex_);
  if (by_number_.empty()) return nullptr;
  const std::uint64_t newest = by_number_.rbegin()->first;
  const auto age = static_cast<std::uint16_t>(newest - id);
  if (age > newest) return nullptr;
  const auto found = by_number_.find(newest - age);
  return found == by_number_.end() ? nullptr : found->second;
}

std::shared_ptr<Segment> Segments::oldest() const {
  const std::shared_lock lock(mutex_);
  return by_number_.empty() ? nullptr : by_number_.begin()->second;
}

std::shared_ptr<Segment> Segments::newest() const {
  const std::shared_lock lock(mutex_);
  return by_number_.empty() ? nullptr : by_number_.rbegin()->second;
}

std::vector<std::shared_ptr<Segment>> Segments::all() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::shared_ptr<Segment>> out;
  for (const auto& [number, segment] : by_number_) out.push_back(segment);
  return out;
}

std::size_t Segments::count() const {
  const std::shared_lock lock(mutex_);
  return by_number_.size();
}

// The same at both ends of its life: a segment of ours never grows beyond what is allocated.
std::uint64_t Segments::charge(const Segment& segment) const {
  return std::max(segment.end(), bytes_each_);
}

}  // namespace headgate::store::disk
