#include "decide/access/jwks.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <utility>

#include "decide/access/json_object.h"
#include "decide/access/limits.h"
#include "wire/base64/base64.h"

namespace headgate::decide::access {
namespace {

using nlohmann::json;

template <auto Free>
struct FreeWith {
  template <typename T>
  void operator()(T* p) const {
    Free(p);
  }
};
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeWith<EVP_PKEY_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, FreeWith<BN_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, FreeWith<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, FreeWith<OSSL_PARAM_free>>;
using Key = std::shared_ptr<EVP_PKEY>;

Key owned(EVP_PKEY* key) { return {key, EVP_PKEY_free}; }

const unsigned char* bytes_of(const std::string& s) {
  return reinterpret_cast<const unsigned char*>(s.data());
}

std::optional<std::string> binary_member(const json& jwk, const char* name) {
  const std::string* text = string_member(jwk, name);
  return text ? wire::base64::decode_url(*text) : std::nullopt;
}

Key key_from(const char* type, OSSL_PARAM_BLD* builder) {
  const Params params(OSSL_PARAM_BLD_to_param(builder));
  const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
    return nullptr;
  return owned(key);
}

Key rsa_key(const json& jwk) {
  const auto n = binary_member(jwk, "n"), e = binary_member(jwk, "e");
  if (!n || !e || n->size() > kRsaBitsMax / 8 + 1 || e->size() > 8) return nullptr;
  const Number modulus(BN_bin2bn(bytes_of(*n), static_cast<int>(n->size()), nullptr));
  const Number exponent(BN_bin2bn(bytes_of(*e), static_cast<int>(e->size()), nullptr));
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!modulus || !exponent || !builder) return nullptr;
  const int bits = BN_num_bits(modulus.get());
  if (bits < kRsaBitsMin || bits > kRsaBitsMax || !BN_is_odd(modulus.get())) return nullptr;
  if (!BN_is_odd(exponent.get()) || BN_is_one(exponent.get())) return nullptr;
  if (OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
    return nullptr;
  return key_from("RSA", builder.get());
}

Key ec_key(const json& jwk, const char* group, std::size_t coordinate_bytes) {
  const auto x = binary_member(jwk, "x"), y = binary_member(jwk, "y");
  if (!x || !y || x->size() != coordinate_bytes || y->size() != coordinate_bytes) return nullptr;
  const std::string point = '\x04' + *x + *y;  // uncompressed (SEC 1 §2.3.3)
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, group, 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1)
    return nullptr;
  Key key = key_from("EC", builder.get());
  if (!key) return nullptr;
  const PkeyContext context(EVP_PKEY_CTX_new(key.get(), nullptr));
  return context && EVP_PKEY_public_check(context.get()) == 1 ? key : nullptr;
}

Key ed25519_key(const json& jwk) {
  const auto x = binary_member(jwk, "x");
  if (!x || x->size() != 32) return nullptr;
  return owned(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(*x), x->size()));
}

std::optional<KeyType> key_type(const json& jwk) {
  const std::string *type = string_member(jwk, "kty"), *curve = string_member(jwk, "crv");
  if (!type) return std::nullopt;
  if (*type == "RSA") return KeyType::kRsa;
  if (!curve) return std::nullopt;
  if (*type == "EC" && *curve == "P-256") return KeyType::kP256;
  if (*type == "EC" && *curve == "P-384") return KeyType::kP384;
  if (*type == "OKP" && *curve == "Ed25519") return KeyType::kEd25519;
  return std::nullopt;
}

Key make_key(const json& jwk, KeyType type) {
  switch (type) {
    case KeyType::kRsa: return rsa_key(jwk);
    case KeyType::kP256: return ec_key(jwk, "P-256", 32);
    case KeyType::kP384: return ec_key(jwk, "P-384", 48);
    case KeyType::kEd25519: return ed25519_key(jwk);
  }
  return nullptr;
}

bool is_for_signatures(const json& jwk) {
  const std::string* use = string_member(jwk, "use");
  return !use || *use == "sig";
}

// False: the set is refused. A key that is not for us is passed over.
bool add_key(Jwks& set, const json& jwk) {
  if (!jwk.is_object()) return false;
  const auto type = key_type(jwk);
  if (!type || !is_for_signatures(jwk)) return true;
  Jwk out;
  out.type = *type;
  if (const std::string* name = string_member(jwk, "alg")) {
    out.algorithm = parse_algorithm(*name);
    if (!out.algorithm || key_type_of(*out.algorithm) != *type) return true;
  }
  if (const std::string* id = string_member(jwk, "kid")) out.id = *id;
  out.key = make_key(jwk, *type);
  if (!out.key) return false;
  set.keys.push_back(std::move(out));
  return true;
}

}  // namespace

Result<Jwks> parse_jwks(std::string_view json_text) {
  if (json_text.size() > kJwksBytesMax)
    return fail(Code::kExhausted, "JWK Set: larger than 256 KiB");
  const auto parsed = parse_json_object(json_text);
  if (!parsed) return fail(Code::kInvalid, "JWK Set: not a JSON object with unique names");
  const auto keys = parsed->find("keys");
  if (keys == parsed->end() || !keys->is_array())
    return fail(Code::kInvalid, "JWK Set: no array 'keys'");
  if (keys->size() > kJwksKeysMax) return fail(Code::kExhausted, "JWK Set: more than 64 keys");
  Jwks set;
  for (std::size_t i = 0; i < keys->size(); ++i)
    if (!add_key(set, (*keys)[i]))
      return fail(Code::kInvalid, "JWK Set: key " + std::to_string(i) + " is malformed or weak");
  if (set.keys.empty()) return fail(Code::kInvalid, "JWK Set: no usable signature key");
  return set;
}

}  // namespace headgate::decide::access
