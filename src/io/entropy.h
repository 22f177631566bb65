#pragma once
// Random bytes of the kernel, for secrets and seeds. Any thread. Never fails once the kernel's pool
// is seeded; a kernel that refuses stops the process, because nothing safe can be done without it.
#include <cstddef>
#include <cstdint>
#include <span>

namespace headgate::io {

void random_bytes(std::span<unsigned char> into);
std::uint64_t random_u64();

}  // namespace headgate::io
