#include "decide/cache/answer.h"

#include "decide/cache/conditional.h"
#include "wire/http/message.h"

namespace headgate::decide::cache {
namespace {

using model::StoredFlag;
using model::StoredResponse;
using wire::http::ByteRange;
using wire::http::ByteRanges;
using wire::http::FieldId;
using wire::http::Fields;
using wire::http::RangeFit;

// A part is stored as 206 and stands for a representation whose answer would be 200.
int whole_status(const StoredResponse& stored) {
  return stored.status == 206 ? 200 : stored.status;
}

bool holds(const StoredResponse& stored, ByteRange range) {
  return !stored.has(StoredFlag::kPartial) ||
         (stored.first <= range.first && range.last <= stored.last);
}

// The Range that counts: one line of bytes, of a GET, on a 200 of known length (RFC 9110 §14.2).
std::optional<wire::http::RangeSpecs> range_of(const Fields& request, const RequestFacts& facts,
                                               const StoredResponse& stored, std::string_view tag) {
  const bool may_have =
      facts.has_range && whole_status(stored) == 200 && stored.has(StoredFlag::kHasLength);
  if (!may_have || !allows_range(request, stored, tag)) return std::nullopt;
  const wire::http::Field* found = nullptr;
  for (const auto& field : request) {
    if (field.id != FieldId::kRange) continue;
    if (found) return std::nullopt;
    found = &field;
  }
  if (!found) return std::nullopt;
  return wire::http::parse_range(found->value);
}

Coverage coverage_of(const StoredResponse& stored, const ByteRanges& ranges) {
  for (const ByteRange range : ranges)
    if (!holds(stored, range)) return Coverage::kMissing;
  return Coverage::kComplete;
}

StoredAnswer whole(const RequestFacts& facts, const StoredResponse& stored) {
  StoredAnswer out;
  out.answer.status = whole_status(stored);
  out.answer.has_content =
      facts.method != wire::http::Method::kHead && !wire::http::has_no_body(out.answer.status);
  const bool holds_all = !stored.has(StoredFlag::kPartial) ||
                         (stored.first == 0 && stored.last + 1 == stored.complete_length);
  if (out.answer.has_content && !holds_all) out.coverage = Coverage::kMissing;
  return out;
}

}  // namespace

StoredAnswer answer_from_store(const Fields& request, const RequestFacts& facts,
                               const StoredResponse& stored, std::string_view tag) {
  if (is_not_modified(request, stored, tag)) return {{304, false, {}}, Coverage::kComplete};
  const auto specs = range_of(request, facts, stored, tag);
  if (!specs) return whole(facts, stored);
  StoredAnswer out{{206, true, {}}, Coverage::kComplete};
  switch (wire::http::resolve(*specs, stored.complete_length, out.answer.ranges)) {
    case RangeFit::kWhole: return whole(facts, stored);
    case RangeFit::kNone: return {{416, false, {}}, Coverage::kComplete};
    case RangeFit::kSome: break;
  }
  out.coverage = coverage_of(stored, out.answer.ranges);
  return out;
}

}  // namespace headgate::decide::cache
