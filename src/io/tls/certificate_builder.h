#pragma once
// Makes keys and X.509 v3 certificates. Any thread; control-side work.
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/tls/handle.h"

namespace headgate::io::tls {

enum class KeyType : std::uint8_t { kEcdsaP256, kRsa2048 };
Result<KeyPtr> make_key(KeyType type);

enum class CertificateUse : std::uint8_t { kAuthority, kServer, kClient };

struct CertificateSpec {
  std::string common_name;
  std::vector<std::string> names;  // DNS names ("*.example.com" included) and IP addresses
  CertificateUse use = CertificateUse::kServer;
  WallTime not_before, not_after;
};

// Who signs: certificate and key of an authority. Both null: the certificate signs itself.
struct Issuer {
  X509* certificate = nullptr;
  EVP_PKEY* key = nullptr;
};
// Random serial of 127 bits (RFC 5280 §4.1.2.2); key identifiers; SHA-256.
Result<X509Ptr> make_certificate(const CertificateSpec& spec, EVP_PKEY* key, Issuer issuer);

std::string to_pem(const X509* certificate);
std::string to_pem(const EVP_PKEY* key);  // PKCS #8, not encrypted

}  // namespace headgate::io::tls
