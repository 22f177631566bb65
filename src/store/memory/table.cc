#include "store/memory/table.h"

#include <new>

namespace headgate::store::memory {

Table::Table(Budget& budget) : budget_(budget), buckets_(make(budget, kBucketsMin)) {}

Table::~Table() { destroy(buckets_.load(), budget_); }

Table::Buckets* Table::make(Budget& budget, std::size_t count) {
  auto* const buckets =
      ::new (budget.allocate(sizeof(Buckets) + count * sizeof(std::atomic<Entry*>))) Buckets{count};
  for (std::size_t i = 0; i < count; ++i) ::new (buckets->heads() + i) std::atomic<Entry*>(nullptr);
  return buckets;
}

void Table::destroy(void* what, Budget& budget) {
  const std::size_t count = static_cast<Buckets*>(what)->count;
  budget.release(what, sizeof(Buckets) + count * sizeof(std::atomic<Entry*>));
}

Entry* Table::find(const Key& key) const {
  Entry* entry = load()->head(key.hash).load(std::memory_order_seq_cst);
  while (entry && !entry->is(key)) entry = entry->next.load(std::memory_order_seq_cst);
  return entry;
}

void Table::insert(Entry& entry, Retired& retired) {
  if (size_ >= buckets()) grow(retired);
  std::atomic<Entry*>& head = load()->head(entry.hash);
  entry.next.store(head.load(std::memory_order_relaxed), std::memory_order_relaxed);
  head.store(&entry, std::memory_order_seq_cst);
  ++size_;
}

void Table::erase(Entry& entry) {
  std::atomic<Entry*>* link = &load()->head(entry.hash);
  while (link->load(std::memory_order_relaxed) != &entry)
    link = &link->load(std::memory_order_relaxed)->next;
  link->store(entry.next.load(std::memory_order_relaxed), std::memory_order_seq_cst);
  --size_;
}

void Table::grow(Retired& retired) {
  Buckets* const from = load();
  Buckets* const to = make(budget_, from->count * 2);
  for (std::size_t i = 0; i < from->count; ++i) {
    Entry* entry = from->heads()[i].load(std::memory_order_relaxed);
    while (entry) {
      Entry* const next = entry->next.load(std::memory_order_relaxed);
      std::atomic<Entry*>& head = to->head(entry->hash);
      entry->next.store(head.load(std::memory_order_relaxed), std::memory_order_seq_cst);
      head.store(entry, std::memory_order_relaxed);
      entry = next;
    }
  }
  buckets_.store(to, std::memory_order_seq_cst);
  retired.add(from, destroy, 0);
}

}  // namespace headgate::store::memory
