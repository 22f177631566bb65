#pragma once
// What an operator wants out of the cache, as a value: read strictly from JSON, written as JSON
// that reads the same. Pure, any thread.
//
//   {"url": "https://a.example/b?c"}       exactly this URL, in all its variants
//   {"prefix": "https://a.example/img/"}   every URL whose text up to the query begins so
//   {"host": "a.example"}                  on every port and scheme
//   {"tag": "news", "namespace": "shop"}   what routes of the namespace stored with the tag
//   {"namespace": "shop"}                  what routes of the namespace stored
//   {"everything": true}
//
// "soft": true leaves it in the cache as stale. "id": 7 marks an order that has its number already:
// it is being replayed.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/cache_policy.h"
#include "store/memory/stamp.h"

namespace headgate::proxy {

enum class PurgeScope : std::uint8_t { kUrl, kPrefix, kHost, kTag, kNamespace, kEverything };
std::string_view to_string(PurgeScope scope);  // the name of its JSON field

struct PurgeOrder {
  PurgeScope scope = PurgeScope::kUrl;
  std::string value;       // canonical (labels.h); empty where the scope says all
  std::string name_space;  // of kTag and kNamespace
  store::memory::Purge how = store::memory::Purge::kHard;
  friend bool operator==(const PurgeOrder&, const PurgeOrder&) = default;
};

struct PurgeRequest {
  PurgeOrder order;
  std::optional<std::uint64_t> id;
};

inline constexpr std::size_t kPurgeTextMax = 16 << 10;  // of the JSON; longer: refused

// Errors are kInvalid and name the field and what was expected.
Result<PurgeRequest> read_purge(std::string_view json);
// "{...}" with `more`, text of further members, at its beginning.
std::string to_json(const PurgeOrder& order, std::string_view more = {});
// "the tag 'news' of namespace 'shop'"
std::string in_words(const PurgeOrder& order);

// The labels that the order means; none for kPrefix and kEverything. A URL has one for each way in
// which the policies leave its query in the key; where these are more than kUrlLabelsMax, all of
// its host is meant.
inline constexpr std::size_t kUrlLabelsMax = 64;
std::vector<std::string> labels_of(const PurgeOrder& order,
                                   std::span<const model::CacheKeyPolicy* const> keys);

}  // namespace headgate::proxy
