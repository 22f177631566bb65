#include "decide/cache/freshen.h"

#include <algorithm>
#include <string>

#include "base/ascii.h"
#include "decide/cache/record.h"
#include "decide/cache/storability.h"
#include "wire/http/entity_tag.h"
#include "wire/http/vary.h"

namespace headgate::decide::cache {
namespace {

using model::StoredFlag;
using model::StoredResponse;
using wire::http::Field;
using wire::http::FieldId;
using wire::http::Fields;

std::size_t select_all_strong(std::span<const Candidate> candidates, std::string_view tag,
                              std::span<bool> selected) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    selected[i] = candidates[i].validators.tag == tag;
    count += selected[i] ? 1 : 0;
  }
  return count;
}

template <typename Matches>
std::size_t select_most_recent(std::span<const Candidate> candidates, std::span<bool> selected,
                               Matches matches) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < candidates.size(); ++i)
    if (matches(candidates[i]) && (!best || candidates[i].date_s > candidates[*best].date_s))
      best = i;
  if (best) selected[*best] = true;
  return best ? 1 : 0;
}

bool has_tag(const Candidate& candidate, const wire::http::EntityTag& wanted) {
  const auto tag = wire::http::parse_entity_tag(candidate.validators.tag);
  return tag && wire::http::matches_weakly(*tag, wanted);
}

// §3.2, and what describes the content that is stored.
bool may_update(const Field& field) {
  switch (field.id) {
    case FieldId::kContentLength:
    case FieldId::kContentEncoding:
    case FieldId::kContentRange: return false;
    default: return true;
  }
}

bool has_same_name(const Field& a, const Field& b) {
  return a.id == b.id && (a.id != FieldId::kOther || equals_ignore_case(a.name, b.name));
}

// A message without Date is dated by its arrival: the old Date would make it old (RFC 9110 §6.6.1).
bool is_replaced(const Field& field, const Fields& update) {
  if (!may_update(field)) return false;
  return field.id == FieldId::kDate ||
         std::any_of(update.begin(), update.end(),
                     [&](const Field& newer) { return has_same_name(field, newer); });
}

Fields merge(const Fields& stored, const Fields& update) {
  Fields out;
  for (const Field& field : stored)
    if (!is_replaced(field, update)) out.push_back(field);
  for (const Field& field : update)
    if (may_update(field)) out.push_back(field);
  return out;
}

std::string vary_text(const Fields& fields) {
  std::string out;
  wire::http::for_each_vary_name(
      fields, [&](std::string_view name) { out.append(to_lower(name)).push_back(','); });
  return out;
}

// The content is the stored one, and so is how much of it there is.
void keep_extent(StoredResponse& record, const StoredResponse& stored) {
  constexpr std::uint32_t kExtent = StoredFlag::kPartial | StoredFlag::kHasLength;
  record.flags = (record.flags & ~kExtent) | (stored.flags & kExtent);
  record.first = stored.first;
  record.last = stored.last;
  record.complete_length = stored.complete_length;
}

// A GET was stored; one that validates it, or a HEAD, has no say in whether it stays.
RequestFacts as_stored(const RequestFacts& request) {
  RequestFacts out;
  out.has_authorization = request.has_authorization;
  return out;
}

}  // namespace

std::size_t select_for_update(std::span<const Candidate> candidates, const Fields& update,
                              std::span<bool> selected) {
  std::fill(selected.begin(), selected.end(), false);
  const Validators validators = validators_of(update);
  if (const auto tag = wire::http::parse_entity_tag(validators.tag)) {
    if (!tag->is_weak) return select_all_strong(candidates, validators.tag, selected);
    return select_most_recent(candidates, selected,
                              [&](const Candidate& c) { return has_tag(c, *tag); });
  }
  if (!validators.last_modified.empty())
    return select_most_recent(candidates, selected, [&](const Candidate& c) {
      return c.validators.last_modified == validators.last_modified;
    });
  if (candidates.size() != 1) return 0;
  selected[0] = true;
  return 1;
}

Freshened freshen(const StoredResponse& record, const Fields& stored, const Fields& update,
                  const RequestFacts& request, const model::CachePolicy& policy,
                  ExchangeTimes times) {
  Freshened out;
  out.fields = merge(stored, update);
  out.governing = governing_control(out.fields, policy);
  out.record = describe(record.status, out.fields, out.governing, times, std::nullopt);
  keep_extent(out.record, record);
  const Fields merged = out.fields;
  std::erase_if(out.fields, [&](const Field& field) {
    return !is_stored_field(field, merged, out.governing, policy);
  });
  out.keep = may_store(as_stored(request), out.fields, out.governing, out.record, policy);
  out.is_saved = !request.control.no_store;
  out.vary_changed = vary_text(stored) != vary_text(out.fields);
  return out;
}

HeadEffect effect_of_head(int status, const Fields& response, std::optional<std::uint64_t> length,
                          const StoredResponse& record, const Fields& stored) {
  if (status != 200) return HeadEffect::kNone;
  const Validators now = validators_of(response), then = validators_of(stored);
  const bool is_same_length =
      !length || !record.has(StoredFlag::kHasLength) || *length == record.complete_length;
  const bool is_same = (now.tag.empty() || now.tag == then.tag) &&
                       (now.last_modified.empty() || now.last_modified == then.last_modified);
  return is_same && is_same_length ? HeadEffect::kFreshen : HeadEffect::kOutdate;
}

}  // namespace headgate::decide::cache
