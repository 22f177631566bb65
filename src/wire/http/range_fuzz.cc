// Any bytes as Range, Content-Range and a list of entity tags: what is resolved lies within the
// length, in parts that neither overlap nor exceed it together, and tags are views of the text.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "wire/http/entity_tag.h"
#include "wire/http/range.h"

namespace {

using namespace headgate::wire::http;

void check_range(const RangeSpecs& specs, std::uint64_t length) {
  ByteRanges out;
  const RangeFit fit = resolve(specs, length, out);
  HG_CHECK((fit == RangeFit::kSome) == (out.count > 0), "some have ranges");
  std::uint64_t total = 0;
  for (const ByteRange& range : out) {
    HG_CHECK(range.first <= range.last && range.last < length, "a range lies within");
    total += range.size();
    for (const ByteRange& other : out)
      HG_CHECK(&range == &other || range.last < other.first || other.last < range.first, "apart");
  }
  HG_CHECK(total <= length, "no more than there is");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto specs = parse_range(text)) {
    HG_CHECK(specs->count > 0, "a range set is not empty");
    for (const std::uint64_t length : {0ULL, 1ULL, 1000ULL, ~0ULL - 1, ~0ULL})
      check_range(*specs, length);
  }
  if (const auto range = parse_content_range(text); range && range->range) {
    HG_CHECK(range->range->first <= range->range->last, "in order");
    HG_CHECK(!range->complete_length || range->range->last < *range->complete_length, "within");
  }
  EntityTags tags(text);
  for (EntityTag tag; tags.next(tag);) {
    HG_CHECK(tag.opaque.size() >= 2 && tag.opaque.front() == '"', "a tag is quoted");
    const auto again = parse_entity_tag((tag.is_weak ? "W/" : "") + std::string(tag.opaque));
    HG_CHECK(again && again->is_weak == tag.is_weak, "a tag alone is that tag");
  }
  return 0;
}
