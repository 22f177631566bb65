#pragma once
// Where each object lies: 64 bits of its hashes and one word of location, 16 bytes, at a load between 0.72
// and 0.9 after growth: at most 22.3 bytes an object. Robin Hood hashing in 256 tables, each with a lock
// that is held for one look, or while that table grows, so workers may ask. Any thread.
//
// Two objects with the same fingerprint displace each other, one pair in 10^19: the key in the record
// tells them apart.
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "store/disk/location.h"

namespace headgate::store::disk {

struct IndexEntry {
  std::uint64_t fingerprint = 0;
  Location location;  // word 0: no entry
};
static_assert(sizeof(IndexEntry) == 16);

class Index {
 public:
  static constexpr std::size_t kTables = 256;

  std::optional<Location> find(std::uint64_t fingerprint) const;
  // Takes the place of what is there.
  void put(std::uint64_t fingerprint, Location location);
  // Only while it is at `from`; false otherwise.
  bool move(std::uint64_t fingerprint, Location from, Location to);
  bool erase(std::uint64_t fingerprint);
  bool erase(std::uint64_t fingerprint, Location only_at);
  // Remembers that it was of use there.
  void hit(std::uint64_t fingerprint, Location at);
  void clear();
  // Room for as many, in an empty index. Entries in the order of table_entries() need it: they fill
  // a growing table from one end, where all of them meet.
  void reserve(std::size_t objects);

  std::size_t size() const { return size_.load(std::memory_order_relaxed); }
  std::size_t bytes() const;
  std::uint64_t units() const;  // of all records that are in use

  // All that lie in a segment go; how many did.
  std::size_t erase_segment(std::uint16_t segment_id);
  // Those in a segment that were of use.
  std::vector<IndexEntry> hits_in_segment(std::uint16_t segment_id) const;
  // Almost in the order of their fingerprints.
  std::vector<IndexEntry> table_entries(std::size_t table) const;

 private:
  struct alignas(64) Table {
    mutable std::mutex mutex;
    std::unique_ptr<IndexEntry[]> slots;
    std::uint32_t capacity = 0;
    std::uint32_t count = 0;
    std::uint64_t units = 0;

    std::uint32_t home(std::uint64_t fingerprint) const;
    std::uint32_t distance(std::uint32_t slot) const;
    std::optional<std::uint32_t> find(std::uint64_t fingerprint) const;
    void insert(IndexEntry entry);
    void erase_slot(std::uint32_t slot);
    void grow(std::uint32_t to);
  };
  Table& table_of(std::uint64_t fingerprint) { return tables_[fingerprint >> 56]; }
  const Table& table_of(std::uint64_t fingerprint) const { return tables_[fingerprint >> 56]; }

  std::array<Table, kTables> tables_;
  std::atomic<std::size_t> size_{0};
};

}  // namespace headgate::store::disk
