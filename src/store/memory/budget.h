#pragma once
// Every byte of the store against one limit. What the store allocates, it allocates here, and is
// charged what glibc's malloc takes for it (header and rounding), so that `used` is what the
// process gave. The limit stops nobody: whoever allocates asks Store::make_room afterwards. Any
// thread.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/check.h"

namespace headgate::store::memory {

constexpr std::size_t charge_of(std::size_t bytes) {
  return std::max<std::size_t>((bytes + 8 + 15) & ~std::size_t{15}, 32);
}

class Budget {
 public:
  explicit Budget(std::uint64_t limit) : limit_(limit) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;
  ~Budget() { HG_CHECK(used() == 0, "the store gives back all that it was charged for"); }

  void* allocate(std::size_t bytes) {
    void* memory = std::malloc(bytes);
    HG_CHECK(memory != nullptr, "no memory for the object store");
    used_.fetch_add(charge_of(bytes), std::memory_order_relaxed);
    return memory;
  }
  void release(void* memory, std::size_t bytes) {
    used_.fetch_sub(charge_of(bytes), std::memory_order_relaxed);
    std::free(memory);
  }
  // What is allocated elsewhere for the store.
  void charge(std::size_t bytes) { used_.fetch_add(charge_of(bytes), std::memory_order_relaxed); }
  void discharge(std::size_t bytes) {
    used_.fetch_sub(charge_of(bytes), std::memory_order_relaxed);
  }
  std::uint64_t used() const { return used_.load(std::memory_order_relaxed); }
  std::uint64_t limit() const { return limit_; }

 private:
  const std::uint64_t limit_;
  std::atomic<std::uint64_t> used_{0};
};

// For the standard containers that the store keeps.
template <typename T>
struct Charged {
  using value_type = T;
  Charged(Budget& b) : budget(&b) {}  // NOLINT: a container is made from a budget
  template <typename U>
  Charged(const Charged<U>& other) : budget(other.budget) {}  // NOLINT: as every allocator
  T* allocate(std::size_t n) { return static_cast<T*>(budget->allocate(n * sizeof(T))); }
  void deallocate(T* memory, std::size_t n) { budget->release(memory, n * sizeof(T)); }
  friend bool operator==(const Charged&, const Charged&) = default;
  Budget* budget;
};

template <typename T>
using ChargedVector = std::vector<T, Charged<T>>;
using ChargedString = std::basic_string<char, std::char_traits<char>, Charged<char>>;

}  // namespace headgate::store::memory
