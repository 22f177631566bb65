#pragma once
// Public keys that sign tokens, from a JWK Set (RFC 7517, RFC 7518 §6, RFC 8037). Immutable; any
// thread may verify with it. Keys for other purposes, of other types or curves are passed over, as
// RFC 7517 §5 asks. A key of a known type that is malformed or weak (RSA below 2048 bits, a point
// off its curve), and a set without a usable key, refuse the whole set: the caller keeps the last
// good one.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct evp_pkey_st;  // EVP_PKEY of OpenSSL

namespace headgate::decide::access {

enum class Algorithm : std::uint8_t { kRs256, kRs384, kRs512, kPs256, kEs256, kEs384, kEdDsa };
enum class KeyType : std::uint8_t { kRsa, kP256, kP384, kEd25519 };

// nullopt for everything else: "none" and the HS family are not among them, so no key can ever be
// taken for a secret.
std::optional<Algorithm> parse_algorithm(std::string_view name);
KeyType key_type_of(Algorithm algorithm);

struct Jwk {
  std::string id;  // kid; empty: none
  KeyType type = KeyType::kRsa;
  std::optional<Algorithm> algorithm;  // alg: the key is for this one alone
  std::shared_ptr<evp_pkey_st> key;
};

struct Jwks {
  std::vector<Jwk> keys;  // never empty
};

Result<Jwks> parse_jwks(std::string_view json_text);

// Whether `signature` (JWS form: ECDSA as r and s of fixed width) is the key's over `signed_text`.
bool verify_signature(const Jwk& key, Algorithm algorithm, std::string_view signed_text,
                      std::string_view signature);

}  // namespace headgate::decide::access
