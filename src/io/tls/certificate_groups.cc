#include "io/tls/certificate_groups.h"

#include <fmt/format.h>

#include <algorithm>

#include "io/tls/name_table.h"
#include "io/tls/pem.h"

namespace headgate::io::tls {

namespace {

void warn_about(const LoadedCertificate& certificate, WallTime now,
                std::vector<std::string>& warnings) {
  const X509* leaf = certificate.chain.front().get();
  if (not_after(leaf) <= now)
    warnings.push_back(fmt::format("{}: the certificate has expired", certificate.name));
  if (not_before(leaf) > now)
    warnings.push_back(fmt::format("{}: the certificate is not valid yet", certificate.name));
  if (certificate.dns_names.empty() && X509_get_ext_by_NID(leaf, NID_subject_alt_name, -1) < 0) {
    warnings.push_back(
        fmt::format("{}: the certificate has no subject alternative name", certificate.name));
  }
  for (std::size_t i = 0; i + 1 < certificate.chain.size(); ++i) {
    if (X509_check_issued(certificate.chain[i + 1].get(), certificate.chain[i].get()) == X509_V_OK)
      continue;
    warnings.push_back(fmt::format("{}: certificate {} of the chain is not issued by the next one",
                                   certificate.name, i + 1));
  }
}

Result<LoadedCertificate> load(const CertificateSource& source) {
  LoadedCertificate loaded;
  loaded.name = source.name;
  auto chain = parse_certificates(source.chain_pem, source.name + ": certificate chain");
  if (!chain) return std::unexpected(std::move(chain.error()));
  auto key = parse_private_key(source.key_pem, source.name + ": private key");
  if (!key) return std::unexpected(std::move(key.error()));
  loaded.chain = std::move(*chain);
  loaded.key = std::move(*key);
  if (X509_check_private_key(loaded.chain.front().get(), loaded.key.get()) != 1) {
    openssl_reason();
    return fail(
        Code::kInvalid,
        fmt::format("{}: the private key does not belong to the first certificate of the chain "
                    "('{}')",
                    source.name, subject_of(loaded.chain.front().get())));
  }
  loaded.dns_names = dns_names(loaded.chain.front().get());
  std::ranges::sort(loaded.dns_names);
  loaded.key_type = EVP_PKEY_get_base_id(loaded.key.get());
  return loaded;
}

bool covers(const LoadedCertificate& certificate, const std::vector<std::string>& names) {
  return std::ranges::all_of(names, [&](const std::string& name) {
    return std::ranges::any_of(certificate.dns_names, [&](const std::string& pattern) {
      return pattern == name ||
             (!name.starts_with("*.") && certificate_name_matches(pattern, name));
    });
  });
}

}  // namespace

Result<std::vector<LoadedCertificate>> load_certificates(
    const std::vector<CertificateSource>& sources, WallTime now,
    std::vector<std::string>& warnings) {
  std::vector<LoadedCertificate> certificates;
  for (const CertificateSource& source : sources) {
    auto loaded = load(source);
    if (!loaded) return std::unexpected(std::move(loaded.error()));
    warn_about(*loaded, now, warnings);
    certificates.push_back(std::move(*loaded));
  }
  return certificates;
}

std::vector<CertificateGroup> group_by_names(const std::vector<LoadedCertificate>& certificates) {
  std::vector<CertificateGroup> groups;
  for (const LoadedCertificate& certificate : certificates) {
    const bool known = std::ranges::any_of(
        groups, [&](const CertificateGroup& g) { return g.names == certificate.dns_names; });
    if (!known) groups.push_back({certificate.dns_names, {}});
  }
  for (CertificateGroup& group : groups) {
    for (const bool exact :
         {true, false}) {  // a certificate of just these names goes before a wider one
      for (std::size_t i = 0; i < certificates.size(); ++i) {
        const bool fits =
            exact ? certificates[i].dns_names == group.names : covers(certificates[i], group.names);
        const bool type_taken = std::ranges::any_of(group.members, [&](std::size_t m) {
          return certificates[m].key_type == certificates[i].key_type;
        });
        if (fits && !type_taken) group.members.push_back(i);
      }
    }
  }
  return groups;
}

}  // namespace headgate::io::tls
