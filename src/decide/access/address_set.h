#pragma once
// Address lists of thousands of prefixes, answered in O(log n): sorted ranges, merged where they
// overlap. Immutable after build; any thread.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "wire/ip/address.h"

namespace headgate::decide::access {

class AddressSet {
 public:
  AddressSet() = default;
  explicit AddressSet(std::span<const wire::ip::Prefix> prefixes);

  bool empty() const { return v4_.empty() && v6_.empty(); }
  // Families never match each other: ::/0 does not hold an IPv4 address.
  bool contains(const wire::ip::IpAddress& address) const;
  std::size_t ranges() const { return v4_.size() + v6_.size(); }

 private:
  using Bytes = std::array<std::uint8_t, 16>;  // network order: compares as the number does
  struct Range {
    Bytes first, last;
  };
  static void merge(std::vector<Range>& ranges);
  std::vector<Range> v4_, v6_;
};

}  // namespace headgate::decide::access
