#include "roles/proxy/client_addresses.h"

#include <utility>

namespace headgate::proxy {

ClientAddresses::Place::Place(Place&& other) noexcept
    : table_(std::exchange(other.table_, nullptr)), address_(other.address_) {}

ClientAddresses::Place& ClientAddresses::Place::operator=(Place&& other) noexcept {
  if (this == &other) return *this;
  release();
  table_ = std::exchange(other.table_, nullptr);
  address_ = other.address_;
  return *this;
}

void ClientAddresses::Place::release() {
  if (table_) std::exchange(table_, nullptr)->give_back(address_);
}

ClientAddresses::ClientAddresses(std::uint64_t seed) : seed_(seed) {
  for (Shard& shard : shards_) shard.counts = decltype(shard.counts)(0, Hash{seed});
}

// The upper bits: the map of a shard uses the lower ones.
std::size_t ClientAddresses::shard_of(const wire::ip::IpAddress& address) const {
  return (wire::ip::hash_of(address, seed_) >> 32) % kShards;
}

std::optional<ClientAddresses::Place> ClientAddresses::take(const wire::ip::IpAddress& address,
                                                            std::uint32_t max) {
  Shard& shard = shards_[shard_of(address)];
  const std::lock_guard lock(shard.mutex);
  std::uint32_t& count =
      shard.counts[address];  // a new one begins at 0, which is below every limit
  if (max != 0 && count >= max) return std::nullopt;
  ++count;
  return Place(*this, address);
}

void ClientAddresses::give_back(const wire::ip::IpAddress& address) {
  Shard& shard = shards_[shard_of(address)];
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.counts.find(address);
  if (found != shard.counts.end() && --found->second == 0) shard.counts.erase(found);
}

std::uint32_t ClientAddresses::count(const wire::ip::IpAddress& address) const {
  const Shard& shard = shards_[shard_of(address)];
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.counts.find(address);
  return found == shard.counts.end() ? 0 : found->second;
}

}  // namespace headgate::proxy
