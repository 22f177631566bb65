#include "decide/access/address_set.h"

#include <algorithm>

namespace headgate::decide::access {
namespace {

using Bytes = std::array<std::uint8_t, 16>;

Bytes last_of(const wire::ip::Prefix& prefix) {
  Bytes last = prefix.network.bytes;
  for (int bit = prefix.bits; bit < prefix.network.bits(); ++bit)
    last[static_cast<std::size_t>(bit / 8)] |= static_cast<std::uint8_t>(0x80 >> (bit % 8));
  return last;
}

}  // namespace

void AddressSet::merge(std::vector<Range>& ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return a.first < b.first; });
  std::vector<Range> merged;
  for (const Range& range : ranges) {
    if (!merged.empty() && range.first <= merged.back().last)
      merged.back().last = std::max(merged.back().last, range.last);
    else
      merged.push_back(range);
  }
  ranges = std::move(merged);
}

AddressSet::AddressSet(std::span<const wire::ip::Prefix> prefixes) {
  for (const auto& prefix : prefixes)
    (prefix.network.v6 ? v6_ : v4_).push_back({prefix.network.bytes, last_of(prefix)});
  merge(v4_);
  merge(v6_);
}

bool AddressSet::contains(const wire::ip::IpAddress& address) const {
  const auto& ranges = address.v6 ? v6_ : v4_;
  const auto behind =
      std::upper_bound(ranges.begin(), ranges.end(), address.bytes,
                       [](const Bytes& bytes, const Range& range) { return bytes < range.first; });
  return behind != ranges.begin() && address.bytes <= std::prev(behind)->last;
}

}  // namespace headgate::decide::access
