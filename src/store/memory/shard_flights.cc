#include "store/memory/shard.h"

namespace headgate::store::memory {

Ref<Flight> Shard::open(Entry& entry, std::uint64_t secondary, bool alone) {
  Ref<Flight> flight = Flight::create(budget_);
  flight->entry = &entry;
  flight->secondary = secondary;
  flight->alone = alone;
  flight->born = generations_.begin();
  entry.flights.push_back(*flight);
  return flight;
}

Shard::Claimed Shard::claim(const Key& key, std::uint64_t secondary, const VariantSet* seen,
                            Instant now, Waker& waker) {
  using As = Claimed::As;
  const std::lock_guard hold(mutex_);
  Entry& entry = entry_for(key);
  VariantSet* const set = entry.variants.load(std::memory_order_relaxed);
  if (set && set != seen) {
    const Epoch::Pin pin(epoch_, slot_);
    return {As::kChanged, View(entry, generations_, now), {}};
  }
  if (entry.marked(secondary, now)) return {As::kPass, {}, {}};
  for (Flight* flight = entry.flights.empty() ? nullptr : &entry.flights.front(); flight;
       flight = entry.flights.next_of(*flight)) {
    // One that began before its key was purged may bring what was purged.
    if (flight->alone || flight->secondary != secondary || flight->purged.gone) continue;
    if (flight->waiters >= kWaitersMax) return {As::kPass, {}, {}};
    ++flight->waiters;
    flight->waiting.add(waker);
    counters_.collapsed.add();
    return {As::kWaiter, {}, Ref<Flight>::share(flight)};
  }
  Ref<Flight> flight = open(entry, secondary, false);
  settle();
  return {As::kLeader, {}, std::move(flight)};
}

Ref<Flight> Shard::lead_alone(const Key& key, std::uint64_t secondary) {
  const std::lock_guard hold(mutex_);
  return open(entry_for(key), secondary, true);
}

void Shard::arrive(Flight& flight, const Ref<Object>& object,
                   std::span<const std::string_view> labels, Object* replaced) {
  WakeChain woken;
  const std::lock_guard hold(mutex_);
  Entry& entry = *flight.entry;
  Standing standing = flight.purged;
  if (!standing.gone)
    standing.add(generations_.enter(flight.born, labels, entry.locator(), object->labels().data()));
  if (standing.gone) {
    succeed(flight, woken);
  } else {
    object->life_.born.store(flight.born, std::memory_order_relaxed);
    object->life_.stale.store(standing.stale, std::memory_order_relaxed);
    if (replaced) {
      object->seen_before_.store(replaced->seen_before());
      object->handed_down_.store(replaced->handed_down());
    }
    list(entry, *object, replaced);
    if (object->body()->state() == BodyState::kComplete && !object->queued()) enqueue(*object);
    if (entry.linked() && entry.pass_secondary == flight.secondary) unmark(entry);
    flight.found = object;
    close(flight, Flight::Outcome::kFound, woken);
  }
  settle();
}

void Shard::close(Flight& flight, Flight::Outcome outcome, WakeChain& woken) {
  flight.outcome = outcome;
  flight.waiting.take_all(woken);
  Entry& entry = *std::exchange(flight.entry, nullptr);
  flight.unlink();
  tidy(entry);
}

// The leader brought nothing that others may have: the first waiter leads, and its fetch begins
// now.
void Shard::succeed(Flight& flight, WakeChain& woken) {
  generations_.end(flight.born);
  Ref<Waker> next = flight.waiting.take_first();
  if (next && ++flight.handovers <= kHandoversMax) {
    flight.born = generations_.begin();
    flight.purged = {};
    flight.successor = next;
    counters_.handed_over.add();
  }
  const bool led = static_cast<bool>(flight.successor);
  if (next) woken.add(std::move(next));
  if (!led) close(flight, Flight::Outcome::kPass, woken);
}

void Shard::hand_over(Flight& flight) {
  WakeChain woken;
  const std::lock_guard hold(mutex_);
  succeed(flight, woken);
  settle();
}

void Shard::pass(Flight& flight, Instant until) {
  WakeChain woken;
  const std::lock_guard hold(mutex_);
  generations_.end(flight.born);
  if (until.ns > 0) mark(*flight.entry, flight.secondary, until);
  close(flight, Flight::Outcome::kPass, woken);
  settle();
}

Shard::Told Shard::ask(Flight& flight, const Waker& waker) {
  const std::lock_guard hold(mutex_);
  if (flight.outcome == Flight::Outcome::kFound) return Told::kFound;
  if (flight.outcome == Flight::Outcome::kPass) return Told::kPass;
  if (flight.successor.get() != &waker) return Told::kWait;
  flight.successor = {};
  return Told::kLead;
}

void Shard::leave(Flight& flight, Waker& waker) {
  WakeChain woken;
  const std::lock_guard hold(mutex_);
  --flight.waiters;
  flight.waiting.remove(waker);
  if (flight.successor.get() != &waker) return;
  flight.successor = {};
  succeed(flight, woken);
  settle();
}

void Shard::mark(Entry& entry, std::uint64_t secondary, Instant until) {
  unmark(entry);
  entry.pass_secondary.store(secondary, std::memory_order_relaxed);
  entry.pass_until_ns.store(until.ns, std::memory_order_relaxed);
  markers_.push_back(entry);
  counters_.marked.add();
  marker_bytes_ += charge_of(entry.allocated());
  while (marker_bytes_ > marker_bytes_max_) {
    Entry& oldest = markers_.front();
    unmark(oldest);
    tidy(oldest);
  }
}

void Shard::unmark(Entry& entry) {
  if (!entry.linked()) return;
  entry.unlink();
  entry.pass_until_ns.store(0, std::memory_order_relaxed);
  marker_bytes_ -= charge_of(entry.allocated());
}

}  // namespace headgate::store::memory
