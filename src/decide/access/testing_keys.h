#pragma once
// Keys and signed tokens made on the spot, for the tests of this folder.
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <string>

#include "wire/base64/base64.h"

namespace headgate::decide::access::testing {

using wire::base64::encode_url;

class SigningKey {
 public:
  static SigningKey rsa(unsigned bits = 2048) { return SigningKey("RSA", EVP_RSA_gen(bits)); }
  static SigningKey p256() { return SigningKey("P-256", EVP_EC_gen("P-256")); }
  static SigningKey p384() { return SigningKey("P-384", EVP_EC_gen("P-384")); }
  static SigningKey ed25519() {
    return SigningKey("Ed25519", EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  }
  SigningKey(SigningKey&& other) noexcept
      : type_(other.type_), key_(std::exchange(other.key_, nullptr)) {}
  ~SigningKey() { EVP_PKEY_free(key_); }

  // `members` are added to the key's own, as ",\"kid\":\"a\"".
  std::string jwk(const std::string& members = "") const {
    if (type_ == "RSA")
      return R"({"kty":"RSA","n":")" + number("n") + R"(","e":")" + number("e") + "\"" + members +
             "}";
    if (type_ == "Ed25519") {
      std::string raw(32, '\0');
      std::size_t size = raw.size();
      EVP_PKEY_get_raw_public_key(key_, reinterpret_cast<unsigned char*>(raw.data()), &size);
      return R"({"kty":"OKP","crv":"Ed25519","x":")" + encode_url(raw) + "\"" + members + "}";
    }
    return R"({"kty":"EC","crv":")" + type_ + R"(","x":")" + number("qx") + R"(","y":")" +
           number("qy") + "\"" + members + "}";
  }

  std::string token(const std::string& algorithm, const std::string& claims,
                    const std::string& header = "") const {
    const std::string text =
        encode_url(R"({"alg":")" + algorithm + "\"" + header + "}") + "." + encode_url(claims);
    return text + "." + encode_url(signature(algorithm, text));
  }

 private:
  SigningKey(std::string type, EVP_PKEY* key) : type_(std::move(type)), key_(key) {}

  std::size_t width() const { return type_ == "P-256" ? 32 : type_ == "P-384" ? 48 : 0; }

  std::string number(const char* name) const {
    BIGNUM* n = nullptr;
    EVP_PKEY_get_bn_param(key_, name, &n);
    const std::size_t bytes = width() ? width() : static_cast<std::size_t>(BN_num_bytes(n));
    std::string out(bytes, '\0');
    BN_bn2binpad(n, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(bytes));
    BN_free(n);
    return encode_url(out);
  }

  std::string signature(const std::string& algorithm, const std::string& text) const {
    const EVP_MD* md = algorithm == "EdDSA"         ? nullptr
                       : algorithm.ends_with("384") ? EVP_sha384()
                       : algorithm.ends_with("512") ? EVP_sha512()
                                                    : EVP_sha256();
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_PKEY_CTX* settings = nullptr;
    EVP_DigestSignInit(context, &settings, md, nullptr, key_);
    if (algorithm.starts_with("PS")) {
      EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING);
      EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST);
    }
    std::string out(1024, '\0');
    std::size_t size = out.size();
    const auto* in = reinterpret_cast<const unsigned char*>(text.data());
    EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &size, in, text.size());
    EVP_MD_CTX_free(context);
    out.resize(size);
    return width() ? side_by_side(out) : out;
  }

  std::string side_by_side(const std::string& der) const {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    ECDSA_SIG* pair = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
    std::string out(2 * width(), '\0');
    auto* to = reinterpret_cast<unsigned char*>(out.data());
    BN_bn2binpad(ECDSA_SIG_get0_r(pair), to, static_cast<int>(width()));
    BN_bn2binpad(ECDSA_SIG_get0_s(pair), to + width(), static_cast<int>(width()));
    ECDSA_SIG_free(pair);
    return out;
  }

  std::string type_;
  EVP_PKEY* key_;
};

inline std::string jwks_of(std::initializer_list<std::string> keys) {
  std::string out = R"({"keys":[)";
  for (const auto& key : keys) out += (out.back() == '[' ? "" : ",") + key;
  return out + "]}";
}

}  // namespace headgate::decide::access::testing
