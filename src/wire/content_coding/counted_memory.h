#pragma once
// Allocation callbacks for C libraries that count what they hold, so that an encoder's memory can
// be charged and tested. The size stands in front of each block.
#include <cstddef>
#include <cstdlib>

namespace headgate::wire::content_coding {

struct CountedMemory {
  std::size_t bytes = 0;

  static constexpr std::size_t kHead = alignof(std::max_align_t);

  void* take(std::size_t size) {
    auto* block = static_cast<std::byte*>(std::malloc(size + kHead));
    if (!block) return nullptr;
    *reinterpret_cast<std::size_t*>(block) = size;
    bytes += size;
    return block + kHead;
  }
  void give(void* at) {
    if (!at) return;
    auto* block = static_cast<std::byte*>(at) - kHead;
    bytes -= *reinterpret_cast<std::size_t*>(block);
    std::free(block);
  }
};

}  // namespace headgate::wire::content_coding
