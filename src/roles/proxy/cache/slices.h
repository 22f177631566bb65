#pragma once
// The content of a large object, slice by slice. Each slice is an object of its own in both stores,
// named by the key of the whole, a series that the whole's head tells (CachedRecord) and its
// number: so a slice is only ever found through a head that may be served, and a head that goes
// takes its slices out of reach. What is missing is fetched beside by an exchange without a client
// (CacheTurn::fetch_slice), one for all who want it, and read while it fills. One worker.
#include <cstdint>
#include <optional>

#include "base/hash.h"
#include "decide/cache/key.h"
#include "roles/proxy/cache/worker_cache.h"
#include "store/disk/slice.h"
#include "wire/http/range.h"

namespace headgate::proxy {

class CacheTurn;

using store::disk::kSliceBytes;

// What names the slices of one object. The views outlive it.
struct SliceSeries {
  decide::cache::CacheKey whole;
  std::uint64_t number = 0;  // CachedRecord::series
};

// The bytes of the whole that a slice holds.
wire::http::ByteRange range_of_slice(std::uint32_t slice, std::uint64_t bytes);

class Slices {
 public:
  enum class Have : std::uint8_t {
    kBody,    // body(), which may still fill
    kWait,    // for who fetches it: the turn is woken
    kFailed,  // it was asked for and did not come
  };

  Slices(CacheTurn& turn, WorkerCache& cache) : turn_(turn), cache_(cache) {}

  void open(const SliceSeries& series);  // nothing, when it is open
  void close();

  Have find(std::uint32_t slice);
  const store::memory::Ref<store::memory::Body>& body() const { return body_; }
  // The fetch of it broke off. True: find() looks for it anew.
  bool fetch_again();
  // Has it fetched, where nobody did or does, for a reader that comes to it soon.
  void prepare(std::uint32_t slice);

 private:
  void forget();
  bool take(const store::memory::Ref<store::memory::Object>& object);
  decide::cache::CacheKey key_of(std::uint32_t slice);
  store::memory::View seen(std::uint32_t slice);
  store::memory::Claim claimed(std::uint32_t slice, const store::memory::View& view);

  CacheTurn& turn_;
  WorkerCache& cache_;
  SliceSeries series_;
  std::optional<std::uint32_t> slice_;  // the one that was looked for last
  int failed_ = 0;                      // fetches of that
  std::optional<store::memory::Waiter> waiter_;
  store::memory::Ref<store::memory::Body> body_;
};

}  // namespace headgate::proxy
