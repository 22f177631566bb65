#include "decide/cache/request.h"

#include <algorithm>

#include "base/ascii.h"
#include "wire/cookie/cookie.h"
#include "wire/http/element_list.h"
#include "wire/uri/query.h"

namespace headgate::decide::cache {
namespace {

using wire::http::Field;
using wire::http::FieldId;
using wire::http::Framing;
using wire::http::Method;
using wire::http::RequestHead;

bool has_content(const Framing& framing) {
  if (framing.kind == Framing::Kind::kNone) return false;
  const bool knows_length = framing.kind == Framing::Kind::kLength || framing.has_length;
  return !knows_length || framing.length > 0;
}

bool has_no_cache(std::string_view pragma) {
  wire::http::ElementList list(pragma);
  for (std::string_view element; list.next(element);)
    if (equals_ignore_case(element, "no-cache")) return true;
  return false;
}

bool matches(const RequestHead& head, const model::CacheBypass::Header& wanted) {
  return std::any_of(head.fields.begin(), head.fields.end(), [&](const Field& field) {
    return equals_ignore_case(field.name, wanted.name) &&
           (!wanted.value || field.value == *wanted.value);
  });
}

bool has_cookie(const RequestHead& head, std::string_view name) {
  return std::any_of(head.fields.begin(), head.fields.end(), [&](const Field& field) {
    return field.id == FieldId::kCookie && wire::cookie::find(field.value, name).has_value();
  });
}

bool has_query(const RequestHead& head, std::string_view name) {
  const std::size_t mark = head.target.find('?');
  return mark != std::string_view::npos &&
         wire::uri::find_query_value(head.target.substr(mark + 1), name).has_value();
}

bool has_unkeyed(std::string_view cookies, const model::CacheKeyPolicy& key) {
  wire::cookie::Pairs pairs(cookies);
  while (const auto pair = pairs.next())
    if (std::find(key.cookies.begin(), key.cookies.end(), pair->name) == key.cookies.end())
      return true;
  return false;
}

std::optional<Reason> policy_bypass(const RequestHead& head, const model::CacheBypass& bypass) {
  for (const auto& header : bypass.headers)
    if (matches(head, header)) return Reason::kBypassHeader;
  for (const auto& name : bypass.cookies)
    if (has_cookie(head, name)) return Reason::kBypassCookie;
  for (const auto& name : bypass.query)
    if (has_query(head, name)) return Reason::kBypassQuery;
  return std::nullopt;
}

}  // namespace

RequestFacts read_request(const RequestHead& head, const model::CachePolicy& policy) {
  RequestFacts facts;
  facts.method = head.method;
  facts.has_content = has_content(head.framing);
  facts.switches_protocol = !head.protocol.empty();
  bool pragma = false;
  for (const Field& field : head.fields) {
    if (field.id == FieldId::kAuthorization) facts.has_authorization = true;
    if (field.id == FieldId::kCookie)
      facts.has_unkeyed_cookie = facts.has_unkeyed_cookie || has_unkeyed(field.value, policy.key);
    if (field.id == FieldId::kRange) facts.has_range = head.method == Method::kGet;
    if (field.id == FieldId::kIfNoneMatch || field.id == FieldId::kIfModifiedSince)
      facts.has_condition = true;
    if (field.id == FieldId::kPragma) pragma = pragma || has_no_cache(field.value);
  }
  if (!policy.honour_request_directives) return facts;
  facts.control = wire::http::parse_cache_control(head.fields);
  facts.pragma_no_cache = pragma && !facts.control.is_present;
  return facts;
}

std::optional<Reason> bypass_reason(const RequestHead& head, const RequestFacts& facts,
                                    const model::CachePolicy& policy) {
  if (facts.method != Method::kGet && facts.method != Method::kHead) return Reason::kMethod;
  if (facts.switches_protocol) return Reason::kProtocolSwitch;
  if (facts.has_content) return Reason::kRequestContent;
  return policy_bypass(head, policy.bypass);
}

}  // namespace headgate::decide::cache
