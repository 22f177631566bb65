#pragma once
// Generated traces for hit ratios: requests for numbered objects by a Zipf law, mixed with scans of
// objects that are asked for once, and the LRU that any cache must not fall behind. Sizes depend on
// the number alone.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

#include "base/prng.h"
#include "store/memory/eviction.h"

namespace headgate::store::memory {

struct TraceShape {
  double skew = 1.0;  // of the Zipf law
  std::uint64_t objects = 20'000;
  std::uint64_t requests = 300'000;
  double scan_share = 0;    // of requests that go to a scan
  bool sizes_vary = false;  // 1 to 64 units, most of them small; else 1
};

struct Request {
  std::uint64_t object;
  std::uint64_t bytes;
};

inline std::vector<Request> make_trace(const TraceShape& shape, std::uint64_t seed) {
  std::vector<double> cumulative(shape.objects);
  double sum = 0;
  for (std::uint64_t i = 0; i < shape.objects; ++i)
    cumulative[i] = sum += 1 / std::pow(static_cast<double>(i + 1), shape.skew);
  Prng prng(seed);
  std::vector<Request> trace(shape.requests);
  std::uint64_t next_of_scan = shape.objects;
  for (Request& request : trace) {
    if (prng.unit() < shape.scan_share) {
      request.object = next_of_scan++;
    } else {
      const auto at = std::lower_bound(cumulative.begin(), cumulative.end(), prng.unit() * sum);
      request.object = static_cast<std::uint64_t>(at - cumulative.begin());
    }
    const std::uint64_t random = scramble64(request.object + 99);
    request.bytes = shape.sizes_vary ? std::uint64_t{1} << (random % 7 * (random >> 8) % 7) : 1;
  }
  return trace;
}

// Share of requests that hit a cache of `bytes_max`.
inline double lru_hit_ratio(const std::vector<Request>& trace, std::uint64_t bytes_max) {
  std::list<Request> order;  // newest first
  std::unordered_map<std::uint64_t, std::list<Request>::iterator> index;
  std::uint64_t bytes = 0, hits = 0;
  for (const Request& request : trace) {
    if (const auto at = index.find(request.object); at != index.end()) {
      ++hits;
      order.splice(order.begin(), order, at->second);
      continue;
    }
    order.push_front(request);
    index[request.object] = order.begin();
    for (bytes += request.bytes; bytes > bytes_max; order.pop_back()) {
      bytes -= order.back().bytes;
      index.erase(order.back().object);
    }
  }
  return static_cast<double>(hits) / static_cast<double>(trace.size());
}

inline double s3_fifo_hit_ratio(const std::vector<Request>& trace, std::uint64_t bytes_max) {
  struct Stored : Resident {
    std::uint64_t object = 0;
  };
  Budget budget(UINT64_MAX);
  std::unordered_map<std::uint64_t, Stored> index;
  S3Fifo queues(budget);
  std::uint64_t hits = 0;
  for (const Request& request : trace) {
    const auto [at, is_new] = index.try_emplace(request.object);
    if (!is_new) {
      ++hits;
      at->second.touch();
      continue;
    }
    at->second.object = request.object;
    queues.insert(at->second, request.object, request.bytes);
    while (queues.bytes() > bytes_max) index.erase(static_cast<Stored*>(queues.evict())->object);
  }
  return static_cast<double>(hits) / static_cast<double>(trace.size());
}

inline std::uint64_t footprint(const std::vector<Request>& trace) {
  std::unordered_map<std::uint64_t, std::uint64_t> sizes;
  for (const Request& request : trace) sizes[request.object] = request.bytes;
  std::uint64_t bytes = 0;
  for (const auto& [object, size] : sizes) bytes += size;
  return bytes;
}

}  // namespace headgate::store::memory
