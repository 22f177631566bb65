#pragma once
// What decisions read of a stored response, beside its serialised head: made by decide/cache/record
// when the head arrives, kept by the store as opaque bytes, never changed in place. Trivially
// copyable; the layout is part of the store's format, so a change of it needs a new kVersion.
//
// It holds what the origin said, not what a policy made of it: a policy that changes counts at
// once.
#include <cstdint>
#include <limits>
#include <type_traits>

namespace headgate::model {

// Where an explicit freshness lifetime came from (RFC 9111 §4.2.1).
enum class LifetimeSource : std::uint8_t {
  kNone,  // nothing explicit: policy or heuristics
  kSMaxage,
  kMaxAge,
  kExpires,
  kInvalid,  // there was one that cannot be read: stale
};

enum StoredFlag : std::uint32_t {
  kNoCache = 1U << 0,  // without field names: validate before every reuse
  kMustRevalidate = 1U << 1,
  kProxyRevalidate = 1U << 2,
  kImmutable = 1U << 3,
  kPublic = 1U << 4,
  kHasStrongTag = 1U << 5,
  kHasWeakTag = 1U << 6,
  kHasLastModified = 1U << 7,
  kHasDate = 1U << 8,  // a valid Date; else date_s is when it was received
  kHasSwr = 1U << 9,   // stale_while_revalidate_s was said by the origin
  kHasSie = 1U << 10,
  kPartial = 1U << 11,  // bytes first..last of complete_length alone
  kHasVary = 1U << 12,
  kHasLength = 1U << 13,  // complete_length is known
};

struct StoredResponse {
  static constexpr std::uint32_t kVersion = 1;

  std::int64_t response_time_ns = 0;  // wall clock: when its head was received, or last validated
  std::int64_t initial_age_ns = 0;    // corrected_initial_age (§4.2.3)
  std::int64_t date_s = 0;            // date_value
  std::int64_t last_modified_s = 0;   // with kHasLastModified
  std::uint64_t complete_length = 0;  // of the whole representation; with kHasLength
  std::uint64_t first = 0, last = 0;  // of a partial one, inclusive
  std::uint32_t lifetime_s = 0;       // explicit, from Date on
  std::uint32_t stale_while_revalidate_s = 0, stale_if_error_s = 0;
  std::uint32_t flags = 0;
  std::uint32_t version = kVersion;
  std::uint16_t status = 0;
  LifetimeSource lifetime_source = LifetimeSource::kNone;
  std::uint8_t reserved =
      0;  // no byte of the record is padding: it is written to disk as it stands

  constexpr bool has(StoredFlag flag) const { return (flags & flag) != 0; }
};
static_assert(std::is_trivially_copyable_v<StoredResponse>);
static_assert(std::has_unique_object_representations_v<StoredResponse>);

}  // namespace headgate::model
