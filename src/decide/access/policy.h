#pragma once
// The verdict of one AccessPolicy on one request: addresses, signed URL, token, API key, then
// whether an external service must be asked. The first refusal ends it. Pure: the sets of keys and
// the clock are arguments. Immutable after build; any thread.
//
// A token that is there and wrong is refused even where none is required. A provider whose keys are
// not known (never fetched) cannot accept: the answer is 503, for that is not the client's fault,
// unless another provider accepts. What the edge believed is not forwarded unless asked: the
// verdict names the field or cookie that held the token, and every claim header is taken out of the
// request even when the token has no such claim.
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "decide/access/address_set.h"
#include "decide/access/api_keys.h"
#include "decide/access/jwks.h"
#include "decide/access/reason.h"
#include "decide/access/token.h"
#include "model/policy.h"
#include "wire/http/field.h"
#include "wire/http/message.h"
#include "wire/ip/address.h"

namespace headgate::decide::access {

struct AccessRequest {
  wire::ip::IpAddress client;  // the one that trusted proxies name
  std::string_view query;      // without '?'
  const wire::http::Fields& fields;
  WallTime now;
  // One for each of AccessPolicy::jwt, in order: from parse_jwks, the last good one. nullptr: none
  // yet.
  std::span<const std::shared_ptr<const Jwks>> keys{};
  wire::http::Method method = wire::http::Method::kGet;
  std::string_view host{}, path{};  // as routed: lower case without port; normalised
};

struct AccessVerdict {
  enum class Kind : std::uint8_t { kAllow, kDeny, kAskExternal };
  Kind kind = Kind::kAllow;
  std::uint16_t status = 0;       // kDeny: 401, 403 or 503
  Reason reason = Reason::kNone;  // kDeny
  std::string_view challenge;     // kDeny with 401: value of WWW-Authenticate (RFC 9110 §11.6.1)
  std::string
      client;  // subject of the token, or client of the API key: for the log and rate limits
  std::vector<ClaimHeader> headers;  // to set or take out of the upstream request
  std::string strip_header;          // that held a token which is not forwarded; empty: none
  std::string strip_cookie;
};

class CompiledPolicy {
 public:
  // `policy` must outlive this.
  explicit CompiledPolicy(const model::AccessPolicy& policy);

  AccessVerdict decide(const AccessRequest& request) const;
  // The address lists alone: for connections that carry no request.
  bool allows(const wire::ip::IpAddress& client) const;
  const model::AccessPolicy& policy() const { return policy_; }

 private:
  bool check_address(const AccessRequest& request, AccessVerdict& verdict) const;
  bool check_url(const AccessRequest& request, AccessVerdict& verdict) const;
  bool check_token(const AccessRequest& request, AccessVerdict& verdict) const;
  bool check_api_key(const AccessRequest& request, AccessVerdict& verdict) const;

  const model::AccessPolicy& policy_;
  AddressSet deny_, allow_;
  ApiKeys api_keys_;
};

}  // namespace headgate::decide::access
