#pragma once
// Bump allocator for text that lives as long as one request. reset() keeps the first block, so that a recycled owner
// allocates nothing in the common case. Single thread; views stay valid until reset().
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <vector>

namespace headgate {

class Arena {
 public:
  static constexpr std::size_t kBlockBytes = 2048;

  char* allocate(std::size_t bytes) {
    if (bytes > left_) grow(bytes);
    char* at = next_;
    next_ += bytes;
    left_ -= bytes;
    return at;
  }
  std::string_view copy(std::string_view text) { return concat({text}); }
  std::string_view concat(std::initializer_list<std::string_view> pieces) {
    std::size_t bytes = 0;
    for (const std::string_view piece : pieces) bytes += piece.size();
    char* at = allocate(bytes);
    char* end = at;
    for (const std::string_view piece : pieces) {
      if (!piece.empty()) std::memcpy(end, piece.data(), piece.size());
      end += piece.size();
    }
    return {at, bytes};
  }
  std::string_view decimal(std::uint64_t value) {
    char* at = allocate(20);
    return {at, static_cast<std::size_t>(std::to_chars(at, at + 20, value).ptr - at)};
  }
  void reset() {
    if (blocks_.size() > 1) blocks_.resize(1);
    if (blocks_.empty()) return;
    next_ = blocks_[0].bytes.get();
    left_ = blocks_[0].size;
  }

 private:
  struct Block {
    std::unique_ptr<char[]> bytes;
    std::size_t size;
  };
  void grow(std::size_t bytes) {
    const std::size_t size = bytes > kBlockBytes ? bytes : kBlockBytes;
    blocks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
    next_ = blocks_.back().bytes.get();
    left_ = size;
  }
  std::vector<Block> blocks_;
  char* next_ = nullptr;
  std::size_t left_ = 0;
};

}  // namespace headgate
