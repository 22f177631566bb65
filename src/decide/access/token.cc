#include "decide/access/token.h"

#include <algorithm>

#include "decide/access/json_object.h"
#include "decide/access/limits.h"
#include "wire/http/text.h"
#include "wire/jwt/jwt.h"

namespace headgate::decide::access {
namespace {

using nlohmann::json;

Reason check_signature(const wire::jwt::Token& token, const json& header, const Jwks& keys) {
  const std::string* name = string_member(header, "alg");
  const auto algorithm = name ? parse_algorithm(*name) : std::nullopt;
  if (!algorithm) return Reason::kAlgorithmRefused;
  if (header.contains("crit")) return Reason::kTokenMalformed;
  const std::string* id = string_member(header, "kid");
  if (!id && header.contains("kid")) return Reason::kTokenMalformed;
  std::size_t tried = 0;
  for (const Jwk& key : keys.keys) {
    if ((id && key.id != *id) || key.type != key_type_of(*algorithm)) continue;
    if (++tried > kKeysTriedMax) break;
    if (verify_signature(key, *algorithm, token.signing_input, token.signature))
      return Reason::kNone;
  }
  return tried == 0 ? Reason::kKeyUnknown : Reason::kSignatureWrong;
}

// NumericDate (RFC 7519 §2). Seconds, possibly with a fraction.
std::optional<double> time_member(const json& claims, const char* name) {
  const auto found = claims.find(name);
  return found != claims.end() && found->is_number() ? std::optional(found->get<double>())
                                                     : std::nullopt;
}

Reason check_times(const json& claims, Duration skew, WallTime now) {
  const double seconds = static_cast<double>(now.ns) / 1e9,
               give = static_cast<double>(skew.count()) / 1e9;
  const auto expires = time_member(claims, "exp"), from = time_member(claims, "nbf");
  if (!expires || (!from && claims.contains("nbf"))) return Reason::kTokenMalformed;
  if (seconds >= *expires + give) return Reason::kTokenExpired;
  return from && seconds + give < *from ? Reason::kTokenNotYetValid : Reason::kNone;
}

std::optional<std::string> scalar_text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean() || value.is_number()) return value.dump();
  return std::nullopt;
}

// The value itself or one of its members.
bool says(const json& claims, const std::string& name, const std::string& wanted) {
  const auto found = claims.find(name);
  if (found == claims.end()) return false;
  if (!found->is_array()) return scalar_text(*found) == wanted;
  return std::any_of(found->begin(), found->end(),
                     [&](const json& member) { return scalar_text(member) == wanted; });
}

Reason check_claims(const model::JwtProvider& provider, const json& claims, WallTime now) {
  const std::string* issuer = string_member(claims, "iss");
  if (!provider.issuer.empty() && (!issuer || *issuer != provider.issuer))
    return Reason::kIssuerWrong;
  const auto is_audience = [&](const std::string& audience) {
    return says(claims, "aud", audience);
  };
  if (!provider.audiences.empty() &&
      std::none_of(provider.audiences.begin(), provider.audiences.end(), is_audience))
    return Reason::kAudienceWrong;
  if (const Reason reason = check_times(claims, provider.clock_skew, now); reason != Reason::kNone)
    return reason;
  for (const auto& [name, value] : provider.required_claims)
    if (!says(claims, name, value)) return Reason::kClaimWrong;
  return Reason::kNone;
}

// A claim that does not fit into a field is left out: it must not end the field early.
std::optional<std::string> header_value(const json& claims, const std::string& name) {
  const auto found = claims.find(name);
  if (found == claims.end()) return std::nullopt;
  auto value = scalar_text(*found);
  if (!value && found->is_array()) value = found->dump();
  return value && wire::http::is_field_value(*value) ? value : std::nullopt;
}

}  // namespace

std::expected<VerifiedToken, Reason> verify_token(const model::JwtProvider& provider,
                                                  const Jwks& keys, std::string_view compact,
                                                  WallTime now) {
  const auto token = wire::jwt::parse(compact);
  if (!token) return std::unexpected(Reason::kTokenMalformed);
  const auto header = parse_json_object(token->header_json),
             claims = parse_json_object(token->claims_json);
  if (!header || !claims) return std::unexpected(Reason::kTokenMalformed);
  Reason reason = check_signature(*token, *header, keys);
  if (reason == Reason::kNone) reason = check_claims(provider, *claims, now);
  if (reason != Reason::kNone) return std::unexpected(reason);
  VerifiedToken verified;
  if (const std::string* subject = string_member(*claims, "sub")) verified.subject = *subject;
  for (const auto& [claim, name] : provider.claim_headers)
    verified.headers.push_back({name, header_value(*claims, claim)});
  return verified;
}

}  // namespace headgate::decide::access
