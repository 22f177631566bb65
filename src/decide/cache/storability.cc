#include "decide/cache/storability.h"

#include <algorithm>

#include "base/ascii.h"
#include "decide/cache/freshness.h"
#include "decide/cache/status.h"
#include "decide/cache/tags.h"
#include "wire/http/connection_options.h"
#include "wire/http/vary.h"

namespace headgate::decide::cache {
namespace {

using model::CachePolicy;
using model::LifetimeSource;
using model::StoredFlag;
using model::StoredResponse;
using wire::http::CacheControl;
using wire::http::Field;
using wire::http::FieldId;
using wire::http::Fields;

Reason check_status(const StoredResponse& record, const CacheControl& control) {
  const int status = record.status;
  if (status < 200) return Reason::kInterim;
  if (status == 304) return Reason::kNotModified;
  if (control.must_understand && !is_understood(status)) return Reason::kNotUnderstood;
  if (status == 206) return Reason::kPartialUnusable;  // parts are kept as slices (partial.h)
  return Reason::kStored;
}

// §5.2.2.3: must-understand stands in for no-store, for caches that do not know it.
bool forbids_storing(const CacheControl& control) {
  return control.no_store && !control.must_understand;
}

Reason check_directives(const RequestFacts& request, const CacheControl& control) {
  if (request.control.no_store) return Reason::kRequestNoStore;
  if (forbids_storing(control)) return Reason::kResponseNoStore;
  if (control.is_private.is_present() && covers_whole_response(control.is_private))
    return Reason::kResponsePrivate;
  const bool is_shared =
      control.is_public || control.must_revalidate || control.s_maxage.is_valid();
  if (request.has_authorization && !is_shared) return Reason::kAuthorization;
  return Reason::kStored;
}

bool is_explicit(const StoredResponse& record, const CacheControl& control) {
  return record.lifetime_source != LifetimeSource::kNone || control.is_public;
}

Reason check_permission(const RequestFacts& request, const StoredResponse& record,
                        const CacheControl& control, const CachePolicy& policy) {
  const bool by_policy = std::any_of(policy.ttl.by_status.begin(), policy.ttl.by_status.end(),
                                     [&](const auto& row) { return row.status == record.status; });
  if (is_fault_of_request(record.status) && !by_policy) return Reason::kRequestFault;
  if (is_explicit(record, control) || by_policy) return Reason::kStored;
  if (!is_heuristically_cacheable(record.status)) return Reason::kNothingAllowsIt;
  const bool is_personal = request.has_unkeyed_cookie && !policy.heuristics_with_cookies;
  return is_personal ? Reason::kCookieHeuristic : Reason::kStored;
}

// Stale on arrival and without a validator, it would only take room.
bool is_reusable(const StoredResponse& record, const CachePolicy& policy) {
  constexpr std::uint32_t kValidators =
      StoredFlag::kHasStrongTag | StoredFlag::kHasWeakTag | StoredFlag::kHasLastModified;
  if ((record.flags & kValidators) != 0) return true;
  if (record.has(StoredFlag::kNoCache)) return false;
  if (lifetime_ns(record, policy) > record.initial_age_ns) return true;
  return !forbids_stale(record, policy) &&
         (stale_while_revalidate_ns(record, policy) > 0 || stale_if_error_ns(record, policy) > 0);
}

bool is_set_cookie(const Field& field) {
  return field.id == FieldId::kSetCookie || equals_ignore_case(field.name, "set-cookie2");
}

Reason check_fields(const Fields& response, const Governing& governing,
                    const StoredResponse& record, const CachePolicy& policy) {
  const CacheControl& control = governing.directives;
  if (record.has(StoredFlag::kHasVary) && wire::http::varies_on_everything(response))
    return Reason::kVaryStar;
  const auto sets_cookie = [&](const Field& field) {
    return is_set_cookie(field) && !control.no_cache.names(field.name) &&
           !control.is_private.names(field.name);
  };
  if (policy.set_cookie == CachePolicy::SetCookie::kRefuse &&
      std::any_of(response.begin(), response.end(), sets_cookie))
    return Reason::kSetCookie;
  if (!has_tags_within_limits(response, policy.tag_headers)) return Reason::kTagsTooMany;
  const bool knows_size = record.has(StoredFlag::kHasLength);
  if (knows_size && record.complete_length > policy.object_bytes_max) return Reason::kTooLarge;
  return Reason::kStored;
}

}  // namespace

Reason may_store(const RequestFacts& request, const Fields& response, const Governing& governing,
                 const StoredResponse& record, const CachePolicy& policy) {
  if (request.method != wire::http::Method::kGet) return Reason::kMethod;
  const CacheControl& control = governing.directives;
  if (const Reason r = check_status(record, control); r != Reason::kStored) return r;
  if (const Reason r = check_directives(request, control); r != Reason::kStored) return r;
  if (const Reason r = check_permission(request, record, control, policy); r != Reason::kStored)
    return r;
  if (const Reason r = check_fields(response, governing, record, policy); r != Reason::kStored)
    return r;
  return is_reusable(record, policy) ? Reason::kStored : Reason::kNeverReusable;
}

// Age is counted anew for each answer, and trailers are not kept.
bool is_stored_field(const Field& field, const Fields& fields, const Governing& governing,
                     const CachePolicy& policy) {
  if (wire::http::is_hop_by_hop(field.id)) return false;
  if (field.id == FieldId::kAge || field.id == FieldId::kTrailer) return false;
  if (is_set_cookie(field) && policy.set_cookie != CachePolicy::SetCookie::kKeep) return false;
  if (equals_ignore_case(field.name, "proxy-authentication-info")) return false;
  const CacheControl& control = governing.directives;
  if (control.no_cache.names(field.name) || control.is_private.names(field.name)) return false;
  return !wire::http::is_removed_by_connection(fields, field);
}

Reason may_keep(const StoredResponse& record, ContentEnd end, const CachePolicy& policy) {
  if (end.bytes > policy.object_bytes_max) return Reason::kTooLarge;
  const bool has_length = record.has(StoredFlag::kHasLength);
  if (!end.is_clean || (has_length && end.bytes != record.complete_length))
    return Reason::kIncomplete;
  return Reason::kStored;
}

bool is_admitted(const CachePolicy& policy, std::uint32_t requests) {
  return policy.admission == CachePolicy::Admission::kAlways || requests >= 2;
}

}  // namespace headgate::decide::cache
