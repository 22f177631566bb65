#include "io/entropy.h"

#include <sys/random.h>

#include <cerrno>

#include "base/check.h"

namespace headgate::io {

void random_bytes(std::span<unsigned char> into) {
  while (!into.empty()) {
    const ssize_t got = ::getrandom(into.data(), into.size(), 0);
    HG_CHECK(got >= 0 || errno == EINTR, "getrandom");
    if (got > 0) into = into.subspan(static_cast<std::size_t>(got));
  }
}

std::uint64_t random_u64() {
  std::uint64_t value = 0;
  random_bytes({reinterpret_cast<unsigned char*>(&value), sizeof value});
  return value;
}

}  // namespace headgate::io
