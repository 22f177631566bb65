#include "decide/access/policy.h"

#include <optional>

#include "base/ascii.h"
#include "decide/access/signed_url.h"
#include "wire/cookie/cookie.h"
#include "wire/jwt/jwt.h"
#include "wire/uri/query.h"

namespace headgate::decide::access {
namespace {

using wire::http::Fields;

bool deny(AccessVerdict& verdict, std::uint16_t status, Reason reason,
          std::string_view challenge = {}) {
  verdict = {};
  verdict.kind = AccessVerdict::Kind::kDeny;
  verdict.status = status;
  verdict.reason = reason;
  if (status == 401) verdict.challenge = challenge;
  return false;
}

struct Presented {
  enum class Kind : std::uint8_t { kNone, kOne, kRepeated };
  Kind kind = Kind::kNone;
  std::string_view text;
};

// A credential that comes twice has two readings: the origin might take the other one.
Presented find_once(const Fields& fields, std::string_view name) {
  Presented found;
  for (const auto& field : fields) {
    if (!equals_ignore_case(field.name, name)) continue;
    if (found.kind != Presented::Kind::kNone) return {Presented::Kind::kRepeated, {}};
    found = {Presented::Kind::kOne, field.value};
  }
  return found;
}

std::string_view find_cookie(const Fields& fields, std::string_view name) {
  for (const auto& field : fields)
    if (field.id == wire::http::FieldId::kCookie)
      if (const auto value = wire::cookie::find(field.value, name)) return *value;
  return {};
}

struct FoundToken {
  Presented presented;
  bool in_cookie = false;
};

// A scheme other than Bearer in Authorization is not a token for us.
FoundToken find_token(const model::JwtProvider& provider, const Fields& fields) {
  Presented header = find_once(fields, provider.header);
  if (header.kind == Presented::Kind::kOne &&
      equals_ignore_case(provider.header, "authorization")) {
    const auto bearer = wire::jwt::bearer_token(header.text);
    header = bearer ? Presented{Presented::Kind::kOne, *bearer} : Presented{};
  }
  if (header.kind != Presented::Kind::kNone || provider.cookie.empty()) return {header, false};
  const std::string_view cookie = find_cookie(fields, provider.cookie);
  if (cookie.empty()) return {};
  return {{Presented::Kind::kOne, cookie}, true};
}

// Providers may send different claims by one name.
void add_name(std::vector<ClaimHeader>& headers, const std::string& name) {
  for (const auto& header : headers)
    if (equals_ignore_case(header.name, name)) return;
  headers.push_back({name, std::nullopt});
}

void accept(const model::JwtProvider& provider, bool in_cookie, VerifiedToken token,
            AccessVerdict& verdict) {
  verdict.client = std::move(token.subject);
  for (auto& set : token.headers)
    for (auto& header : verdict.headers)
      if (equals_ignore_case(header.name, set.name)) header.value = std::move(set.value);
  if (provider.forward_token) return;
  (in_cookie ? verdict.strip_cookie : verdict.strip_header) =
      in_cookie ? provider.cookie : provider.header;
}

}  // namespace

CompiledPolicy::CompiledPolicy(const model::AccessPolicy& policy)
    : policy_(policy), deny_(policy.deny), allow_(policy.allow), api_keys_(policy.api_keys) {}

bool CompiledPolicy::allows(const wire::ip::IpAddress& client) const {
  return !deny_.contains(client) && (allow_.empty() || allow_.contains(client));
}

bool CompiledPolicy::check_address(const AccessRequest& request, AccessVerdict& verdict) const {
  if (deny_.contains(request.client)) return deny(verdict, 403, Reason::kAddressDenied);
  if (!allow_.empty() && !allow_.contains(request.client))
    return deny(verdict, 403, Reason::kAddressNotAllowed);
  return true;
}

bool CompiledPolicy::check_url(const AccessRequest& request, AccessVerdict& verdict) const {
  if (!policy_.signed_urls) return true;
  const Reason reason = check_signed_url(
      *policy_.signed_urls,
      {request.method, request.host, request.path, request.query, request.client, request.now});
  return reason == Reason::kNone || deny(verdict, 403, reason);
}

bool CompiledPolicy::check_token(const AccessRequest& request, AccessVerdict& verdict) const {
  if (policy_.jwt.empty()) return true;
  for (const auto& provider : policy_.jwt)
    for (const auto& [claim, header] : provider.claim_headers) add_name(verdict.headers, header);
  Reason worst = Reason::kTokenMissing;
  for (std::size_t i = 0; i < policy_.jwt.size(); ++i) {
    const auto& provider = policy_.jwt[i];
    const FoundToken found = find_token(provider, request.fields);
    if (found.presented.kind == Presented::Kind::kNone) continue;
    if (found.presented.kind == Presented::Kind::kRepeated) {
      worst = Reason::kTokenRepeated;
      continue;
    }
    if (i >= request.keys.size() || !request.keys[i]) {
      worst = Reason::kKeysMissing;
      continue;
    }
    auto verified = verify_token(provider, *request.keys[i], found.presented.text, request.now);
    if (verified) {
      accept(provider, found.in_cookie, std::move(*verified), verdict);
      return true;
    }
    if (worst != Reason::kKeysMissing) worst = verified.error();
  }
  if (worst == Reason::kTokenMissing && !policy_.jwt_required) return true;
  return deny(verdict, worst == Reason::kKeysMissing ? 503 : 401, worst, "Bearer");
}

bool CompiledPolicy::check_api_key(const AccessRequest& request, AccessVerdict& verdict) const {
  if (policy_.api_key_header.empty() && policy_.api_key_query.empty()) return true;
  Presented key;
  if (!policy_.api_key_header.empty()) key = find_once(request.fields, policy_.api_key_header);
  if (key.kind == Presented::Kind::kRepeated)
    return deny(verdict, 401, Reason::kTokenRepeated, "ApiKey");
  std::string decoded;
  if (key.kind == Presented::Kind::kNone && !policy_.api_key_query.empty()) {
    const auto value = wire::uri::find_query_value(request.query, policy_.api_key_query);
    if (value) {
      wire::uri::append_query_text(decoded, *value);
      key = {Presented::Kind::kOne, decoded};
    }
  }
  if (key.kind == Presented::Kind::kNone)
    return deny(verdict, 401, Reason::kApiKeyMissing, "ApiKey");
  const std::string* client = api_keys_.client_of(key.text);
  if (!client) return deny(verdict, 401, Reason::kApiKeyUnknown, "ApiKey");
  verdict.client = *client;
  return true;
}

AccessVerdict CompiledPolicy::decide(const AccessRequest& request) const {
  AccessVerdict verdict;
  if (!check_address(request, verdict) || !check_url(request, verdict) ||
      !check_token(request, verdict) || !check_api_key(request, verdict))
    return verdict;
  if (policy_.external) verdict.kind = AccessVerdict::Kind::kAskExternal;
  return verdict;
}

}  // namespace headgate::decide::access
