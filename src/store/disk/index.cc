#include "store/disk/index.h"

namespace headgate::store::disk {

namespace {
constexpr std::uint32_t kCapacityFirst = 16;
constexpr bool too_full(std::uint32_t count, std::uint32_t capacity) {
  return std::uint64_t{count} * 10 > std::uint64_t{capacity} * 9;
}
}  // namespace

// The top eight bits chose the table; the next ones choose the slot, so entries lie almost in the
// order of their fingerprints.
std::uint32_t Index::Table::home(std::uint64_t fingerprint) const {
  return static_cast<std::uint32_t>((static_cast<unsigned __int128>(fingerprint << 8) * capacity) >>
                                    64);
}

std::uint32_t Index::Table::distance(std::uint32_t slot) const {
  const std::uint32_t from = home(slots[slot].fingerprint);
  return slot >= from ? slot - from : slot + capacity - from;
}

std::optional<std::uint32_t> Index::Table::find(std::uint64_t fingerprint) const {
  if (count == 0) return std::nullopt;
  std::uint32_t slot = home(fingerprint);
  for (std::uint32_t far = 0; slots[slot].location.word() != 0; ++far) {
    if (slots[slot].fingerprint == fingerprint) return slot;
    if (distance(slot) < far) break;  // it would have taken this one's place
    if (++slot == capacity) slot = 0;
  }
  return std::nullopt;
}

// One that is not there yet.
void Index::Table::insert(IndexEntry entry) {
  if (too_full(count + 1, capacity)) grow(capacity == 0 ? kCapacityFirst : capacity + capacity / 4);
  std::uint32_t slot = home(entry.fingerprint);
  for (std::uint32_t far = 0; slots[slot].location.word() != 0; ++far) {
    if (const std::uint32_t theirs = distance(slot); theirs < far) {
      std::swap(entry, slots[slot]);
      far = theirs;
    }
    if (++slot == capacity) slot = 0;
  }
  slots[slot] = entry;
  ++count;
}

void Index::Table::erase_slot(std::uint32_t slot) {
  units -= slots[slot].location.units();
  --count;
  while (true) {
    const std::uint32_t next = slot + 1 == capacity ? 0 : slot + 1;
    if (slots[next].location.word() == 0 || distance(next) == 0) break;
    slots[slot] = slots[next];
    slot = next;
  }
  slots[slot] = {};
}

void Index::Table::grow(std::uint32_t to) {
  const std::unique_ptr<IndexEntry[]> old = std::move(slots);
  const std::uint32_t old_capacity = capacity;
  capacity = to;
  slots = std::make_unique<IndexEntry[]>(capacity);
  count = 0;
  for (std::uint32_t slot = 0; slot < old_capacity; ++slot)
    if (old[slot].location.word() != 0) insert(old[slot]);
}

std::optional<Location> Index::find(std::uint64_t fingerprint) const {
  const Table& table = table_of(fingerprint);
  const std::lock_guard lock(table.mutex);
  const auto slot = table.find(fingerprint);
  if (!slot) return std::nullopt;
  return table.slots[*slot].location;
}

void Index::put(std::uint64_t fingerprint, Location location) {
  Table& table = table_of(fingerprint);
  const std::lock_guard lock(table.mutex);
  table.units += location.units();
  if (const auto slot = table.find(fingerprint)) {
    table.units -= table.slots[*slot].location.units();
    table.slots[*slot].location = location;
  } else {
    table.insert({fingerprint, location});
    size_.fetch_add(1, std::memory_order_relaxed);
  }
}

bool Index::move(std::uint64_t fingerprint, Location from, Location to) {
  Table& table = table_of(fingerprint);
  const std::lock_guard lock(table.mutex);
  const auto slot = table.find(fingerprint);
  if (!slot || !same_record(table.slots[*slot].location, from)) return false;
  table.units += to.units();
  table.units -= from.units();
  table.slots[*slot].location = to;
  return true;
}

bool Index::erase(std::uint64_t fingerprint) {
  Table& table = table_of(fingerprint);
  const std::lock_guard lock(table.mutex);
  const auto slot = table.find(fingerprint);
  if (!slot) return false;
  table.erase_slot(*slot);
  size_.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

bool Index::erase(std::uint64_t fingerprint, Location only_at) {
  Table& table = table_of(fingerprint);
  const std::lock_guard lock(table.mutex);
  const auto slot = table.find(fingerprint);
  if (!slot || !same_record(table.slots[*slot].location, only_at)) return false;
  table.erase_slot(*slot);
  size_.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

void Index::hit(std::uint64_t fingerprint, Location at) {
  Table& table = table_of(fingerprint);
  const std::lock_guard lock(table.mutex);
  const auto slot = table.find(fingerprint);
  if (!slot || !same_record(table.slots[*slot].location, at)) return;
  table.slots[*slot].location = table.slots[*slot].location.hit_once_more();
}

void Index::clear() {
  for (Table& table : tables_) {
    const std::lock_guard lock(table.mutex);
    size_.fetch_sub(table.count, std::memory_order_relaxed);
    table.slots.reset();
    table.capacity = table.count = 0;
    table.units = 0;
  }
}

void Index::reserve(std::size_t objects) {
  // A load of 0.85: a table that gets more than its share grows as any other.
  const std::size_t each = objects / kTables;
  const auto capacity = static_cast<std::uint32_t>(each + each * 3 / 17 + kCapacityFirst);
  for (Table& table : tables_) {
    const std::lock_guard lock(table.mutex);
    if (table.count == 0 && table.capacity < capacity) table.grow(capacity);
  }
}

std::size_t Index::bytes() const {
  std::size_t total = sizeof *this;
  for (const Table& table : tables_) {
    const std::lock_guard lock(table.mutex);
    total += table.capacity * sizeof(IndexEntry);
  }
  return total;
}

std::uint64_t Index::units() const {
  std::uint64_t total = 0;
  for (const Table& table : tables_) {
    const std::lock_guard lock(table.mutex);
    total += table.units;
  }
  return total;
}

std::size_t Index::erase_segment(std::uint16_t segment_id) {
  std::size_t erased = 0;
  for (Table& table : tables_) {
    const std::lock_guard lock(table.mutex);
    // Erasing moves a later entry here, so a slot is looked at again; one that moves from the first
    // slot to the last is met in another round.
    for (std::size_t before = erased + 1; before != erased;) {
      before = erased;
      for (std::uint32_t slot = 0; slot < table.capacity;) {
        const Location location = table.slots[slot].location;
        if (location.word() != 0 && location.segment_id() == segment_id) {
          table.erase_slot(slot);
          ++erased;
        } else {
          ++slot;
        }
      }
    }
  }
  size_.fetch_sub(erased, std::memory_order_relaxed);
  return erased;
}

std::vector<IndexEntry> Index::hits_in_segment(std::uint16_t segment_id) const {
  std::vector<IndexEntry> found;
  for (const Table& table : tables_) {
    const std::lock_guard lock(table.mutex);
    for (std::uint32_t slot = 0; slot < table.capacity; ++slot) {
      const IndexEntry& entry = table.slots[slot];
      if (entry.location.word() != 0 && entry.location.segment_id() == segment_id &&
          entry.location.hits() > 0)
        found.push_back(entry);
    }
  }
  return found;
}

std::vector<IndexEntry> Index::table_entries(std::size_t number) const {
  const Table& table = tables_[number];
  std::vector<IndexEntry> entries;
  const std::lock_guard lock(table.mutex);
  entries.reserve(table.count);
  for (std::uint32_t slot = 0; slot < table.capacity; ++slot)
    if (table.slots[slot].location.word() != 0) entries.push_back(table.slots[slot]);
  return entries;
}

}  // namespace headgate::store::disk
