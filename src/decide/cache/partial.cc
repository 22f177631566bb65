#include "decide/cache/partial.h"

#include <algorithm>

#include "base/ascii.h"
#include "wire/http/entity_tag.h"

namespace headgate::decide::cache {
namespace {

using model::StoredFlag;
using model::StoredResponse;
using wire::http::ByteRange;
using wire::http::Field;
using wire::http::FieldId;

bool is_one_tag(std::string_view a, std::string_view b) {
  const auto first = wire::http::parse_entity_tag(a), second = wire::http::parse_entity_tag(b);
  return first && second && wire::http::matches_strongly(*first, *second);
}

}  // namespace

bool is_fetched_in_parts(const StoredResponse& whole, const wire::http::Fields& response) {
  const bool is_known = whole.status == 200 && whole.has(StoredFlag::kHasLength) &&
                        whole.has(StoredFlag::kHasStrongTag);
  return is_known && std::any_of(response.begin(), response.end(), [](const Field& field) {
           return equals_ignore_case(field.name, "accept-ranges") &&
                  equals_ignore_case(field.value, "bytes");
         });
}

void append_part_request(ByteRange asked, std::string_view tag, std::string& storage,
                         wire::http::Fields& out) {
  storage = "bytes=";
  append_decimal(storage, asked.first);
  storage += '-';
  append_decimal(storage, asked.last);
  out.push_back({"range", storage, FieldId::kRange});
  out.push_back({"if-range", tag, FieldId::kIfRange});
}

PartOutcome judge_part(const StoredResponse& record, std::string_view tag,
                       const StoredResponse& whole, std::string_view whole_tag, ByteRange asked) {
  if (record.status == 200 || record.status == 416) return PartOutcome::kChanged;
  const bool is_part = record.status == 206 && record.has(StoredFlag::kPartial) &&
                       record.has(StoredFlag::kHasLength);
  if (!is_part) return PartOutcome::kUnusable;
  if (!is_one_tag(tag, whole_tag) || record.complete_length != whole.complete_length)
    return PartOutcome::kChanged;
  const bool is_asked = record.first == asked.first && record.last == asked.last;
  return is_asked ? PartOutcome::kPart : PartOutcome::kUnusable;
}

}  // namespace headgate::decide::cache
