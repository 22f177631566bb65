#pragma once
// Whether a signed token (JWT, RFC 7519) is to be believed, and what it says. Pure; the clock is an
// argument. Costs one signature verification, at most kKeysTriedMax for a token that names no key.
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "decide/access/jwks.h"
#include "decide/access/reason.h"
#include "model/policy.h"

namespace headgate::decide::access {

// What to send to the upstream. No value: the field is only taken out, so that a client cannot set
// it itself.
struct ClaimHeader {
  std::string name;
  std::optional<std::string> value;
};

struct VerifiedToken {
  std::string subject;               // sub; empty: none
  std::vector<ClaimHeader> headers;  // one for each of JwtProvider::claim_headers
};

// Refused: algorithms outside of jwks.h, `crit`, a key id that the set does not have, a token
// without `exp`, and what the provider asks for and the token lacks. exp and nbf give way by the
// provider's clock skew.
std::expected<VerifiedToken, Reason> verify_token(const model::JwtProvider& provider,
                                                  const Jwks& keys, std::string_view compact,
                                                  WallTime now);

}  // namespace headgate::decide::access
