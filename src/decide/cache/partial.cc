#include "decide/cache/partial.h"

#include <algorithm>

#include "base/ascii.h"
#include "wire/http/entity_tag.h"

namespace headgate::decide::cache {
namespace {

using model::StoredFlag;
using model::StoredResponse;
using wire::http::ByteRange;
using wire::http::FieldId;

std::optional<wire::http::EntityTag> strong_tag(std::string_view text) {
  const auto tag = wire::http::parse_entity_tag(text);
  return tag && !tag->is_weak ? tag : std::nullopt;
}

bool is_usable(const StoredResponse& record) {
  return record.has(StoredFlag::kPartial) && record.has(StoredFlag::kHasLength);
}

}  // namespace

void append_part_request(ByteRange missing, std::string_view tag, std::string& storage,
                         wire::http::Fields& out) {
  storage = "bytes=";
  append_decimal(storage, missing.first);
  storage += '-';
  append_decimal(storage, missing.last);
  out.push_back({"range", storage, FieldId::kRange});
  if (strong_tag(tag)) out.push_back({"if-range", tag, FieldId::kIfRange});
}

// An origin may send less than was asked for, or more, but what is of use begins where it was
// asked.
PartOutcome judge_part(const StoredResponse& record, std::string_view tag,
                       const StoredResponse& stored, std::string_view stored_tag, ByteRange asked) {
  if (record.status == 200) return PartOutcome::kWhole;
  if (record.status != 206 || !is_usable(record)) return PartOutcome::kUnusable;
  if (!may_combine(record, tag, stored, stored_tag)) return PartOutcome::kChanged;
  const bool holds_start = record.first <= asked.first && asked.first <= record.last;
  return holds_start ? PartOutcome::kPart : PartOutcome::kUnusable;
}

bool may_combine(const StoredResponse& a, std::string_view a_tag, const StoredResponse& b,
                 std::string_view b_tag) {
  const auto first = strong_tag(a_tag), second = strong_tag(b_tag);
  return is_usable(a) && is_usable(b) && first && second &&
         wire::http::matches_strongly(*first, *second) && a.complete_length == b.complete_length;
}

std::optional<ByteRange> joined_range(const StoredResponse& a, const StoredResponse& b) {
  const StoredResponse& left = a.first <= b.first ? a : b;
  const StoredResponse& right = a.first <= b.first ? b : a;
  if (right.first > left.last + 1) return std::nullopt;
  return ByteRange{left.first, std::max(left.last, right.last)};
}

StoredResponse combine(const StoredResponse& newer, ByteRange joined) {
  StoredResponse out = newer;
  const bool is_all = joined.first == 0 && joined.last + 1 == newer.complete_length;
  out.first = is_all ? 0 : joined.first;
  out.last = is_all ? 0 : joined.last;
  out.status = is_all ? 200 : 206;
  if (is_all) out.flags &= ~std::uint32_t{StoredFlag::kPartial};
  return out;
}

}  // namespace headgate::decide::cache
