#include "decide/cache/validation.h"

#include "decide/cache/status.h"
#include "wire/http/date.h"
#include "wire/http/entity_tag.h"

namespace headgate::decide::cache {

using wire::http::FieldId;

Validators validators_of(const wire::http::Fields& stored) {
  Validators out;
  if (const auto* field = wire::http::find(stored, FieldId::kEtag))
    if (wire::http::parse_entity_tag(field->value)) out.tag = field->value;
  // The form alone matters: no two-digit year is read here.
  if (const auto* field = wire::http::find(stored, FieldId::kLastModified))
    if (wire::http::parse_date(field->value, {})) out.last_modified = field->value;
  return out;
}

bool is_replaced_by_cache(FieldId id) {
  switch (id) {
    case FieldId::kIfNoneMatch:
    case FieldId::kIfModifiedSince:
    case FieldId::kIfRange:
    case FieldId::kRange: return true;
    default: return false;
  }
}

bool append_conditions(std::span<const Validators> stored, std::string& storage,
                       wire::http::Fields& out) {
  storage.clear();
  for (const Validators& one : stored) {
    if (one.tag.empty()) continue;
    if (!storage.empty()) storage += ", ";
    storage += one.tag;
  }
  if (!storage.empty()) out.push_back({"if-none-match", storage, FieldId::kIfNoneMatch});
  const bool has_date = stored.size() == 1 && !stored[0].last_modified.empty();
  if (has_date)
    out.push_back({"if-modified-since", stored[0].last_modified, FieldId::kIfModifiedSince});
  return has_date || !storage.empty();
}

ValidationOutcome outcome_of(int status) {
  if (status == 304) return ValidationOutcome::kFreshen;
  return is_origin_failure(status) ? ValidationOutcome::kFailed : ValidationOutcome::kReplace;
}

}  // namespace headgate::decide::cache
