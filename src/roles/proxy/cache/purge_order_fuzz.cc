// Any bytes as an order: refused with a reason, or an order whose JSON means the same and whose
// labels fit into the store.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "roles/proxy/cache/labels.h"
#include "roles/proxy/cache/purge_order.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate::proxy;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = read_purge(text);
  if (!read) {
    HG_CHECK(!read.error().message.empty(), "a refusal has a reason");
    return 0;
  }
  const auto again = read_purge(to_json(read->order));
  HG_CHECK(again && again->order == read->order, "its JSON means the same");
  headgate::model::CacheKeyPolicy sorted;
  sorted.query_sorted = true;
  const headgate::model::CacheKeyPolicy* const keys[] = {&sorted};
  for (const std::string& label : labels_of(read->order, keys))
    HG_CHECK(!label.empty() && label.size() <= kLabelTextMax, "labels fit into the store");
  HG_CHECK(!in_words(read->order).empty(), "it can be said");
  return 0;
}
