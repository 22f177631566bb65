#include "decide/cache/answer.h"

#include "decide/cache/conditional.h"
#include "wire/http/message.h"

namespace headgate::decide::cache {
namespace {

using model::StoredFlag;
using model::StoredResponse;
using wire::http::FieldId;
using wire::http::Fields;
using wire::http::RangeFit;

// The Range that counts: one line of bytes, of a GET, on a 200 of known length (RFC 9110 §14.2).
std::optional<wire::http::RangeSpecs> range_of(const Fields& request, const RequestFacts& facts,
                                               const StoredResponse& stored, std::string_view tag) {
  const bool may_have =
      facts.has_range && stored.status == 200 && stored.has(StoredFlag::kHasLength);
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

Answer whole(const RequestFacts& facts, const StoredResponse& stored) {
  const bool has_content =
      facts.method != wire::http::Method::kHead && !wire::http::has_no_body(stored.status);
  return {stored.status, has_content, {}};
}

}  // namespace

Answer answer_from_store(const Fields& request, const RequestFacts& facts,
                         const StoredResponse& stored, std::string_view tag) {
  if (is_not_modified(request, stored, tag)) return {304, false, {}};
  const auto specs = range_of(request, facts, stored, tag);
  if (!specs) return whole(facts, stored);
  Answer out{206, true, {}};
  switch (wire::http::resolve(*specs, stored.complete_length, out.ranges)) {
    case RangeFit::kWhole: return whole(facts, stored);
    case RangeFit::kNone: return {416, false, {}};
    case RangeFit::kSome: break;
  }
  return out;
}

}  // namespace headgate::decide::cache
