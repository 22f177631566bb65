#include "decide/cache/record.h"

#include "wire/http/date.h"
#include "wire/http/entity_tag.h"
#include "wire/http/range.h"

namespace headgate::decide::cache {
namespace {

using model::LifetimeSource;
using model::StoredFlag;
using model::StoredResponse;
using wire::http::CacheControl;
using wire::http::DeltaSeconds;
using wire::http::FieldId;
using wire::http::Fields;

void set(StoredResponse& record, StoredFlag flag, bool on = true) {
  if (on) record.flags |= flag;
}

std::optional<std::int64_t> date_of(const Fields& fields, FieldId id, WallTime now) {
  const auto* field = wire::http::find(fields, id);
  if (!field) return std::nullopt;
  const auto date = wire::http::parse_date(field->value, now);
  return date ? std::optional(date->seconds()) : std::nullopt;
}

void set_lifetime(StoredResponse& record, LifetimeSource source, const DeltaSeconds& delta) {
  record.lifetime_source = delta.is_valid() ? source : LifetimeSource::kInvalid;
  record.lifetime_s = delta.seconds;
}

// §4.2.1: a date that cannot be read, "0" above all, is in the past (§5.3).
void set_expires(StoredResponse& record, const Fields& fields, WallTime now) {
  if (!wire::http::find(fields, FieldId::kExpires)) return;
  const auto expires = date_of(fields, FieldId::kExpires, now);
  record.lifetime_source = expires ? LifetimeSource::kExpires : LifetimeSource::kInvalid;
  if (!expires || *expires <= record.date_s) return;
  const __int128 lifetime = static_cast<__int128>(*expires) - record.date_s;
  record.lifetime_s = lifetime < wire::http::kDeltaSecondsMax ? static_cast<std::uint32_t>(lifetime)
                                                              : wire::http::kDeltaSecondsMax;
}

// §4.2.1, in its order.
void set_explicit_lifetime(StoredResponse& record, const Fields& fields, const Governing& governing,
                           WallTime now) {
  const CacheControl& control = governing.directives;
  if (control.s_maxage.is_present())
    set_lifetime(record, LifetimeSource::kSMaxage, control.s_maxage);
  else if (control.max_age.is_present())
    set_lifetime(record, LifetimeSource::kMaxAge, control.max_age);
  else if (!governing.is_targeted)
    set_expires(record, fields, now);
}

// A number that cannot be read allows nothing, not what the policy would allow instead.
void set_stale_allowances(StoredResponse& record, const CacheControl& control) {
  set(record, StoredFlag::kHasSwr, control.stale_while_revalidate.is_present());
  set(record, StoredFlag::kHasSie, control.stale_if_error.is_present());
  record.stale_while_revalidate_s = control.stale_while_revalidate.seconds;
  record.stale_if_error_s = control.stale_if_error.seconds;
}

void set_directives(StoredResponse& record, const CacheControl& control) {
  set(record, StoredFlag::kNoCache,
      control.no_cache.is_present() && covers_whole_response(control.no_cache));
  set(record, StoredFlag::kMustRevalidate, control.must_revalidate);
  set(record, StoredFlag::kProxyRevalidate, control.proxy_revalidate);
  set(record, StoredFlag::kImmutable, control.immutable);
  set(record, StoredFlag::kPublic, control.is_public);
}

void set_validators(StoredResponse& record, const Fields& fields, WallTime now) {
  if (const auto* field = wire::http::find(fields, FieldId::kEtag))
    if (const auto tag = wire::http::parse_entity_tag(field->value))
      set(record, tag->is_weak ? StoredFlag::kHasWeakTag : StoredFlag::kHasStrongTag);
  if (const auto modified = date_of(fields, FieldId::kLastModified, now)) {
    record.last_modified_s = *modified;
    set(record, StoredFlag::kHasLastModified);
  }
}

void set_extent(StoredResponse& record, const Fields& fields, std::optional<std::uint64_t> length) {
  if (record.status != 206) {
    record.complete_length = length.value_or(0);
    return set(record, StoredFlag::kHasLength, length.has_value());
  }
  set(record, StoredFlag::kPartial);
  const auto* field = wire::http::find(fields, FieldId::kContentRange);
  if (!field) return;
  const auto range = wire::http::parse_content_range(field->value);
  if (!range || !range->range || !range->complete_length) return;
  record.first = range->range->first;
  record.last = range->range->last;
  record.complete_length = *range->complete_length;
  set(record, StoredFlag::kHasLength);
}

}  // namespace

StoredResponse describe(int status, const Fields& response, const Governing& governing,
                        ExchangeTimes times, std::optional<std::uint64_t> length) {
  StoredResponse record;
  record.status = static_cast<std::uint16_t>(status);
  record.response_time_ns = times.response.ns;
  const auto date = date_of(response, FieldId::kDate, times.response);
  record.date_s = date.value_or(times.response.seconds());
  set(record, StoredFlag::kHasDate, date.has_value());
  record.initial_age_ns = initial_age_ns(parse_age(response), record.date_s, times);
  set_explicit_lifetime(record, response, governing, times.response);
  set_stale_allowances(record, governing.directives);
  set_directives(record, governing.directives);
  set_validators(record, response, times.response);
  set_extent(record, response, length);
  set(record, StoredFlag::kHasVary, wire::http::find(response, FieldId::kVary) != nullptr);
  return record;
}

}  // namespace headgate::decide::cache
