// Many threads at once on few keys: finds, collapsed fills, aborts, variants, freshening, purges of
// every kind, passes and eviction. Each body proves its key, variant and version; after a hard
// purge no older version is ever found. Run under ThreadSanitizer and AddressSanitizer.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <thread>

#include "base/prng.h"
#include "store/memory/testing/world.h"

namespace headgate::store::memory {
namespace {

constexpr std::uint64_t kKeys = 400;  // more than fits
constexpr std::uint64_t kHotKeys = 4;
constexpr std::uint64_t kVariants = 3;
constexpr int kThreads = 4;
constexpr int kStepsOfThread = 4000;

struct Metadata {
  std::uint64_t key, variant, version, words, freshened;
};

std::uint64_t word_of(const Metadata& m, std::uint64_t i) {
  return scramble64(m.key * 1'000'003 + m.variant * 10'007 + m.version * 131 + i);
}

// What all threads share. `version` counts origin changes: a fetch takes the present one when it
// begins, and a hard purge raises `least` before it purges, so that what a find brings is never
// below what `least` was before the find.
struct Site {
  static Options options() {
    Options o = small_options();
    o.bytes_max = 1 << 20;
    o.object_bytes_max = 40'000;
    o.shards = 2;
    return o;
  }
  Store store{options()};
  std::array<std::atomic<std::uint64_t>, kKeys> version{};
  std::array<std::atomic<std::uint64_t>, kKeys> purged_below{};
  std::atomic<std::uint64_t> wrong{0}, read_whole{0}, read_cut{0}, collapsed{0}, gone{0};
};

// One worker: a loop that is its wake queue, and requests that it serves one after the other.
class Worker final : Wakeable {
 public:
  Worker(Site& world, std::uint64_t seed)
      : world_(world), queue_([this] { ring(); }), reader_(world.store), prng_(seed) {}

  void run() {
    for (int i = 0; i < kStepsOfThread; ++i) {
      now_ = now_ + 1ms;
      const std::uint64_t key = prng_.below(prng_.below(2) ? kKeys : kHotKeys);
      const std::uint64_t kind = prng_.below(50);
      if (kind < 4)
        purge(key, kind);
      else
        request(key, prng_.below(kVariants));
      queue_.drain();
    }
  }

 private:
  void on_wake() override {}
  void ring() {
    rung_ = 1;
    rung_.notify_one();
  }
  void wait_for_ring() {
    rung_.wait(0);
    rung_ = 0;
    queue_.drain();
  }
  static NamedKey key_of(std::uint64_t key) {
    return NamedKey("GET site/" + std::to_string(key % 4) + "/" + std::to_string(key), 4);
  }

  void request(std::uint64_t key, std::uint64_t variant) {
    const NamedKey named = key_of(key);
    for (int tries = 0; tries < 20; ++tries) {
      const std::uint64_t least = world_.purged_below[key];
      View view = reader_.find(named, now_);
      if (Ref<Object> hit = choose(view, variant, least, key); hit && prng_.below(10) > 0)
        return read(hit, key, variant);
      Claim claim = world_.store.claim(named, variant, view, now_, queue_, *this);
      if (std::holds_alternative<View>(claim)) continue;
      if (auto* lead = std::get_if<Lead>(&claim))
        return fetch(std::move(*lead), key, variant, view);
      if (auto* waiter = std::get_if<Waiter>(&claim)) {
        if (wait(*waiter, key, variant)) return;
        continue;
      }
      if (prng_.below(2) == 0)
        return fetch(*world_.store.lead_alone(named, variant), key, variant, {});
      return;
    }
  }

  Ref<Object> choose(const View& view, std::uint64_t variant, std::uint64_t least,
                     std::uint64_t key) {
    for (std::size_t i = 0; i < view.size(); ++i) {
      const auto m = view[i].metadata_as<Metadata>();
      if (m.key != key || m.version < least) ++world_.wrong;
      if (m.variant == variant) return view.take(i);
    }
    return {};
  }

  // True: the request is done.
  bool wait(Waiter& waiter, std::uint64_t key, std::uint64_t variant) {
    while (true) {
      if (prng_.below(30) == 0) return true;  // the client left
      Waiter::Answer answer = waiter.poll();
      if (auto* object = std::get_if<Ref<Object>>(&answer)) {
        ++world_.collapsed;
        read(*object, key, variant);
        return true;
      }
      if (auto* lead = std::get_if<Lead>(&answer)) {
        fetch(std::move(*lead), key, variant, {});
        return true;
      }
      if (std::holds_alternative<Waiter::Pass>(answer)) return false;
      wait_for_ring();
    }
  }

  void fetch(Lead lead, std::uint64_t key, std::uint64_t variant, const View& seen) {
    for (std::uint64_t n = prng_.below(4); n > 0; --n)
      std::this_thread::yield();  // the origin takes its time
    const std::uint64_t kind = prng_.below(20);
    if (kind == 0) return;  // the leader leaves: a waiter leads
    if (kind == 1) return lead.pass(prng_.below(2) ? now_ + 2ms : Instant{});
    const std::string selector = "variant " + std::to_string(variant);
    const std::string tag = "tag " + std::to_string(key);
    const std::vector<std::string_view> labels{tag, "site", prng_.below(2) ? "even" : "odd"};
    Metadata m{key, variant, world_.version[key], prng_.below(kind == 2 ? 20'000 : 800), 0};
    Draft draft;
    draft.secondary = variant;
    draft.selector = selector;
    draft.labels = labels;
    draft.metadata = {reinterpret_cast<const char*>(&m), sizeof m};
    if (kind < 6 && freshen(lead, draft, m, seen)) return;
    if (prng_.below(2)) draft.body_bytes = m.words * 8;
    write(lead.fill(draft).value(), m);
  }

  // A 304 for an object that this version still is.
  bool freshen(Lead& lead, Draft& draft, Metadata& m, const View& seen) {
    for (std::size_t i = 0; i < seen.size(); ++i) {
      Metadata old = seen[i].metadata_as<Metadata>();
      if (old.variant != m.variant || old.version != m.version) continue;
      if (seen[i].body()->state() != BodyState::kComplete) continue;
      ++old.freshened;
      draft.metadata = {reinterpret_cast<const char*>(&old), sizeof old};
      read(lead.freshen(seen.take(i), draft).value(), m.key, m.variant);
      return true;
    }
    return false;
  }

  void write(Fill fill, const Metadata& m) {
    const std::uint64_t stop = prng_.below(12) == 0 ? prng_.below(m.words + 1) : UINT64_MAX;
    Wakeup room(queue_, *this);
    for (std::uint64_t i = 0; i < m.words;) {
      if (i >= stop) return prng_.below(2) ? fill.fail() : void();
      std::array<std::uint64_t, 64> words;
      const std::uint64_t n = std::min<std::uint64_t>(m.words - i, 1 + prng_.below(words.size()));
      for (std::uint64_t k = 0; k < n; ++k) words[k] = word_of(m, i + k);
      fill.append({reinterpret_cast<const char*>(words.data()), n * 8});
      i += n;
      while (fill.passing() && fill.read_by_somebody() && fill.wait_for_room(room.waker()))
        wait_for_ring();
      if (prng_.below(3) == 0) std::this_thread::yield();
    }
    fill.complete();
  }

  void read(const Ref<Object>& object, std::uint64_t key, std::uint64_t variant) {
    const auto m = object->metadata_as<Metadata>();
    if (m.key != key || m.variant != variant) ++world_.wrong;
    if (object->selector() != "variant " + std::to_string(variant)) ++world_.wrong;
    BodyReader body(object->body(), queue_, *this);
    std::string got;
    const bool leaves = prng_.below(15) == 0;
    while (true) {
      const BodyReader::Next next = body.next();
      if (next == BodyReader::Next::kBytes) {
        World::take(body, got, 1 + prng_.below(4000));
        if (leaves && got.size() > 1000) break;
      } else if (next == BodyReader::Next::kWait) {
        if (body.wait()) wait_for_ring();
      } else {
        if (next == BodyReader::Next::kEnd && got.size() != m.words * 8) ++world_.wrong;
        ++(next == BodyReader::Next::kEnd   ? world_.read_whole
           : next == BodyReader::Next::kCut ? world_.read_cut
                                            : world_.gone);
        break;
      }
    }
    for (std::uint64_t i = 0; i < got.size() / 8; ++i) {
      std::uint64_t word;
      std::memcpy(&word, got.data() + i * 8, 8);
      if (word != word_of(m, i)) ++world_.wrong;
    }
  }

  void purge(std::uint64_t key, std::uint64_t kind) {
    const Purge how = prng_.below(4) == 0 ? Purge::kSoft : Purge::kHard;
    const std::uint64_t fresh = ++world_.version[key];
    Store& store = world_.store;
    if (kind == 0) store.purge_label("tag " + std::to_string(key), how);
    if (kind == 1) store.purge_key(key_of(key), how);
    if (kind == 2 &&
        !store.purge_prefix("site/" + std::to_string(key % 4) + "/" + std::to_string(key), how))
      return;
    if (kind == 3) {
      if (prng_.below(60) > 0) return;  // rarely, or the cache never fills
      prng_.below(2) ? store.purge_label("site", how) : store.purge_everything(how);
    }
    if (how == Purge::kSoft) return;
    std::uint64_t below = world_.purged_below[key];
    while (below < fresh && !world_.purged_below[key].compare_exchange_weak(below, fresh)) {
    }
    if (prng_.below(20) == 0) store.sweep();
  }

  Site& world_;
  std::atomic<std::uint32_t> rung_{0};
  WakeQueue queue_;
  Reader reader_;
  Prng prng_;
  Instant now_{1'000'000'000};
};

void run_workers(Site& site, std::uint64_t seed) {
  std::vector<std::unique_ptr<Worker>> workers;
  for (std::uint64_t i = 0; i < kThreads; ++i)
    workers.push_back(std::make_unique<Worker>(site, seed + i));
  std::vector<std::thread> threads;
  for (auto& worker : workers) threads.emplace_back([&] { worker->run(); });
  for (std::thread& thread : threads) thread.join();
}

// Which events meet is up to the scheduler.
bool saw_everything(Site& site) {
  const Counts counts = site.store.counts();
  return site.read_whole > 1000 && site.read_cut > 0 && site.collapsed > 0 && counts.evicted > 0 &&
         counts.handed_over > 0 && counts.passed_through > 0 && counts.purged > 0;
}

TEST(MemoryStress, NoThreadEverReadsAWrongBodyOrWhatWasPurged) {
  Site site;
  for (std::uint64_t round = 0; round == 0 || (round < 30 && !saw_everything(site)); ++round)
    run_workers(site, round * kThreads);
  EXPECT_EQ(site.wrong, 0U);
  EXPECT_TRUE(saw_everything(site));
  site.store.purge_everything(Purge::kHard);
  site.store.sweep();
  const Counts counts = site.store.counts();
  EXPECT_EQ(counts.objects + counts.labels + counts.prefix_rules, 0U);
}

}  // namespace
}  // namespace headgate::store::memory
