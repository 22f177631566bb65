#include "decide/cache/conditional.h"

#include <optional>

#include "base/ascii.h"
#include "wire/http/date.h"
#include "wire/http/entity_tag.h"

namespace headgate::decide::cache {
namespace {

using model::StoredFlag;
using model::StoredResponse;
using wire::http::EntityTag;
using wire::http::Field;
using wire::http::FieldId;
using wire::http::Fields;

bool names_tag(std::string_view list, const std::optional<EntityTag>& stored) {
  if (trim_ows(list) == "*") return true;
  if (!stored) return false;
  wire::http::EntityTags tags(list);
  for (EntityTag tag; tags.next(tag);)
    if (wire::http::matches_weakly(tag, *stored)) return true;
  return false;
}

// The only field of that name; none when there are several or none.
const Field* only(const Fields& fields, FieldId id) {
  const Field* found = nullptr;
  for (const Field& field : fields) {
    if (field.id != id) continue;
    if (found) return nullptr;
    found = &field;
  }
  return found;
}

std::optional<std::int64_t> date_of(const Field* field, const StoredResponse& stored) {
  if (!field) return std::nullopt;
  const auto date = wire::http::parse_date(field->value, {stored.response_time_ns});
  return date ? std::optional(date->seconds()) : std::nullopt;
}

// §4.3.2: without Last-Modified the Date, or the time when it was received, stands in.
std::int64_t modified_s(const StoredResponse& stored) {
  return stored.has(StoredFlag::kHasLastModified) ? stored.last_modified_s : stored.date_s;
}

bool has_strong_date(const StoredResponse& stored) {
  return stored.has(StoredFlag::kHasLastModified) && stored.has(StoredFlag::kHasDate) &&
         stored.last_modified_s < stored.date_s;
}

}  // namespace

bool is_not_modified(const Fields& request, const StoredResponse& stored, std::string_view tag) {
  // RFC 9110 §13.2.1: conditions are about what would be a 2xx.
  if (stored.status < 200 || stored.status > 299) return false;
  bool has_list = false;
  for (const Field& field : request) {
    if (field.id != FieldId::kIfNoneMatch) continue;
    has_list = true;
    if (names_tag(field.value, wire::http::parse_entity_tag(tag))) return true;
  }
  if (has_list) return false;
  const auto since = date_of(only(request, FieldId::kIfModifiedSince), stored);
  return since && modified_s(stored) <= *since;
}

bool allows_range(const Fields& request, const StoredResponse& stored, std::string_view tag) {
  if (!wire::http::find(request, FieldId::kIfRange)) return true;
  const Field* field = only(request, FieldId::kIfRange);
  if (!field) return false;
  const auto stored_tag = wire::http::parse_entity_tag(tag);
  if (const auto wanted = wire::http::parse_entity_tag(field->value))
    return stored_tag && wire::http::matches_strongly(*wanted, *stored_tag);
  const auto date = date_of(field, stored);
  return date && has_strong_date(stored) && *date == stored.last_modified_s;
}

bool is_sent_in_304(const Field& field, bool has_tag) {
  switch (field.id) {
    case FieldId::kContentEncoding:
    case FieldId::kContentLength:
    case FieldId::kContentRange:
    case FieldId::kContentType: return false;
    case FieldId::kLastModified: return !has_tag;
    default: return !equals_ignore_case(field.name, "content-language");
  }
}

}  // namespace headgate::decide::cache
