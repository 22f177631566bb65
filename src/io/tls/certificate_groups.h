#pragma once
// Loads the certificates of a listener and sorts them into groups that serve the same names.
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/tls/handle.h"
#include "io/tls/server_config.h"

namespace headgate::io::tls {

struct LoadedCertificate {
  std::string name;
  std::vector<X509Ptr> chain;  // leaf first
  KeyPtr key;
  std::vector<std::string> dns_names;
  int key_type = 0;  // EVP_PKEY_RSA, EVP_PKEY_EC, ...
};

// Errors: the chain or the key does not parse, the key does not belong to the leaf. Expiry and a
// chain out of order are warnings: a late certificate is the client's to refuse, a refused
// configuration would take the whole listener down.
Result<std::vector<LoadedCertificate>> load_certificates(
    const std::vector<CertificateSource>& sources, WallTime now,
    std::vector<std::string>& warnings);

// Indices into `certificates`: for each set of names one certificate of each key type that covers
// all of them.
struct CertificateGroup {
  std::vector<std::string> names;
  std::vector<std::size_t> members;
};
std::vector<CertificateGroup> group_by_names(const std::vector<LoadedCertificate>& certificates);

}  // namespace headgate::io::tls
