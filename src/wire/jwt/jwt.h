#pragma once
// Compact JWS (RFC 7515 §7.1) taken apart: header and claims as JSON text, signature bytes, and the
// text that is signed. Nothing is verified here and nothing may be believed until decide/access has
// done so. Pure.
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace headgate::wire::jwt {

inline constexpr std::size_t kTokenBytesMax = 8192;
inline constexpr std::size_t kHeaderBytesMax = 2048;     // encoded
inline constexpr std::size_t kSignatureBytesMax = 2048;  // encoded; RSA with 8192 bits needs 1366
static_assert(kHeaderBytesMax + kSignatureBytesMax < kTokenBytesMax);

struct Token {
  std::string header_json, claims_json;  // as decoded: begin with '{', otherwise unchecked
  std::string signature;                 // bytes, never empty
  std::string_view signing_input;        // "header.claims" in the caller's text
};

// kInvalid, source client: not three parts, not strict base64url, over a limit, no JSON object, an
// empty signature.
Result<Token> parse(std::string_view compact);

// The token of "Authorization: Bearer TOKEN" (RFC 6750 §2.1); none for another scheme.
std::optional<std::string_view> bearer_token(std::string_view authorization);

}  // namespace headgate::wire::jwt
