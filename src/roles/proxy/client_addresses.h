#pragma once
// How many connections each client address has in the process, for maxConnectionsPerAddress. Shared
// by all workers, any thread: one short lock of one of kShards for a connection that comes and one
// for a connection that goes, none for a request. All connections are counted, limited or not, so
// that a limit that comes with a change knows of those that are open. Limit: one entry for each
// address with a connection, so what bounds connections bounds the table.
#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "wire/ip/address.h"

namespace headgate::proxy {

class ClientAddresses {
 public:
  // One connection of one address; counted for as long as it lives. The table outlives it.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept;
    Place& operator=(Place&& other) noexcept;
    ~Place() { release(); }
    void release();

   private:
    friend class ClientAddresses;
    Place(ClientAddresses& table, const wire::ip::IpAddress& address)
        : table_(&table), address_(address) {}
    ClientAddresses* table_ = nullptr;
    wire::ip::IpAddress address_;
  };

  // `seed`: random, against addresses chosen to meet in one bucket.
  explicit ClientAddresses(std::uint64_t seed);
  // nullopt: the address has `max` connections already. 0: no limit.
  std::optional<Place> take(const wire::ip::IpAddress& address, std::uint32_t max);
  std::uint32_t count(const wire::ip::IpAddress& address) const;

 private:
  static constexpr std::size_t kShards = 64;
  struct Hash {
    std::uint64_t seed;
    std::size_t operator()(const wire::ip::IpAddress& address) const {
      return wire::ip::hash_of(address, seed);
    }
  };
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    std::unordered_map<wire::ip::IpAddress, std::uint32_t, Hash> counts{0, Hash{0}};
  };
  std::size_t shard_of(const wire::ip::IpAddress& address) const;
  void give_back(const wire::ip::IpAddress& address);

  const std::uint64_t seed_;
  std::array<Shard, kShards> shards_;
};

}  // namespace headgate::proxy
