#pragma once
// Numbers as they lie on the disk: little-endian, at any address. Values, any thread.
#include <bit>
#include <concepts>
#include <cstring>

namespace headgate::store::disk {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they are");

template <std::integral T>
void put_number(char* at, T value) {
  std::memcpy(at, &value, sizeof value);
}

template <std::integral T>
T get_number(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

}  // namespace headgate::store::disk
