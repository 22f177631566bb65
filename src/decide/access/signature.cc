#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <string>

#include "decide/access/jwks.h"

namespace headgate::decide::access {
namespace {

// Fetched once: an implicit fetch at each verification takes a lock of the library.
const EVP_MD* sha256() {
  static EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return md;
}
const EVP_MD* sha384() {
  static EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA384", nullptr);
  return md;
}
const EVP_MD* sha512() {
  static EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA512", nullptr);
  return md;
}

const EVP_MD* digest_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kRs256:
    case Algorithm::kPs256:
    case Algorithm::kEs256: return sha256();
    case Algorithm::kRs384:
    case Algorithm::kEs384: return sha384();
    case Algorithm::kRs512: return sha512();
    case Algorithm::kEdDsa: return nullptr;  // hashes by itself
  }
  return nullptr;
}

const unsigned char* bytes_of(std::string_view s) {
  return reinterpret_cast<const unsigned char*>(s.data());
}

// JWS carries r and s side by side (RFC 7518 §3.4), OpenSSL takes them in DER. Empty: not of that
// form.
std::string der_of(std::string_view fixed, std::size_t coordinate_bytes) {
  if (fixed.size() != 2 * coordinate_bytes) return {};
  const int width = static_cast<int>(coordinate_bytes);
  const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> pair(ECDSA_SIG_new(), ECDSA_SIG_free);
  BIGNUM* r = BN_bin2bn(bytes_of(fixed), width, nullptr);
  BIGNUM* s = BN_bin2bn(bytes_of(fixed) + width, width, nullptr);
  if (!pair || !r || !s || ECDSA_SIG_set0(pair.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return {};
  }
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  std::string out;
  if (size > 0) out.assign(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

bool set_padding(EVP_PKEY_CTX* context, Algorithm algorithm) {
  if (algorithm != Algorithm::kPs256) return true;
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

}  // namespace

std::optional<Algorithm> parse_algorithm(std::string_view name) {
  if (name == "RS256") return Algorithm::kRs256;
  if (name == "RS384") return Algorithm::kRs384;
  if (name == "RS512") return Algorithm::kRs512;
  if (name == "PS256") return Algorithm::kPs256;
  if (name == "ES256") return Algorithm::kEs256;
  if (name == "ES384") return Algorithm::kEs384;
  if (name == "EdDSA") return Algorithm::kEdDsa;
  return std::nullopt;
}

KeyType key_type_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kRs256:
    case Algorithm::kRs384:
    case Algorithm::kRs512:
    case Algorithm::kPs256: return KeyType::kRsa;
    case Algorithm::kEs256: return KeyType::kP256;
    case Algorithm::kEs384: return KeyType::kP384;
    case Algorithm::kEdDsa: return KeyType::kEd25519;
  }
  return KeyType::kRsa;
}

bool verify_signature(const Jwk& key, Algorithm algorithm, std::string_view signed_text,
                      std::string_view signature) {
  if (key_type_of(algorithm) != key.type || (key.algorithm && *key.algorithm != algorithm))
    return false;
  std::string der;
  if (algorithm == Algorithm::kEs256 || algorithm == Algorithm::kEs384) {
    der = der_of(signature, algorithm == Algorithm::kEs256 ? 32 : 48);
    if (der.empty()) return false;
    signature = der;
  }
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  EVP_PKEY_CTX* settings = nullptr;
  return context &&
         EVP_DigestVerifyInit(context.get(), &settings, digest_of(algorithm), nullptr,
                              key.key.get()) == 1 &&
         set_padding(settings, algorithm) &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(),
                          bytes_of(signed_text), signed_text.size()) == 1;
}

}  // namespace headgate::decide::access
