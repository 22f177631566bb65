#include "io/tls/authority.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/ascii.h"
#include "io/file.h"
#include "io/tls/certificate_builder.h"
#include "io/tls/pem.h"
#include "wire/ip/address.h"

namespace headgate::io::tls {

struct Authority::State {
  X509Ptr certificate;
  KeyPtr key;
  std::string pem;
};

Authority::Authority() : state_(std::make_unique<State>()) {}
Authority::~Authority() = default;
const std::string& Authority::certificate_pem() const { return state_->pem; }

namespace {

constexpr std::size_t kFileBytesMax = 65536;

bool is_missing(const Result<std::string>& file) {
  return !file && file.error().code == Code::kNotFound;
}

bool is_plain_file_name(std::string_view name) {
  const auto plain = [](char c) {
    return is_digit(c) || is_alpha(c) || c == '-' || c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= 200 && name.front() != '.' && name != "ca" &&
         std::ranges::all_of(name, plain);
}

bool due(const X509* certificate, WallTime now) {
  const Duration life = not_after(certificate) - not_before(certificate);
  return not_after(certificate) - now < life / 3;
}

Status check_names(const std::string& name, const std::vector<std::string>& names) {
  if (names.empty())
    return fail(Code::kInvalid, fmt::format("{}: no name to issue a certificate for", name));
  if (names.size() <= Authority::kNamesMax) return {};
  return fail(Code::kExhausted, fmt::format("{}: {} names, the limit is {}", name, names.size(),
                                            Authority::kNamesMax));
}

Status write_pair(const std::string& base, const std::string& chain_pem,
                  const std::string& key_pem) {
  // The key goes first: a certificate without its key is of no use to anybody.
  if (auto written = write_file_atomically(base + ".key", key_pem, 0600); !written) return written;
  return write_file_atomically(base + ".crt", chain_pem, 0644);
}

bool names_match(const X509* certificate, const std::vector<std::string>& names) {
  return std::ranges::all_of(names, [&](const std::string& name) {
    if (wire::ip::parse_ip(name))
      return X509_check_ip_asc(const_cast<X509*>(certificate), name.c_str(), 0) == 1;
    const auto covered = dns_names(certificate);
    return std::ranges::find(covered, to_lower(name)) != covered.end();
  });
}

}  // namespace

bool is_due(const std::string& chain_pem, WallTime now) {
  const auto chain = parse_certificates(chain_pem, "certificate");
  return !chain || due(chain->front().get(), now);
}

Result<std::unique_ptr<Authority>> Authority::open(const std::string& directory, WallTime now) {
  if (auto made = ensure_directory(directory, 0755); !made)
    return std::unexpected(std::move(made.error()));
  std::unique_ptr<Authority> authority(new Authority());
  authority->directory_ = directory;
  State& state = *authority->state_;
  auto certificate_pem = read_file(directory + "/ca.crt", kFileBytesMax);
  auto key_pem = read_file(directory + "/ca.key", kFileBytesMax);
  if (is_missing(certificate_pem) && is_missing(key_pem)) {
    auto key = make_key(KeyType::kEcdsaP256);
    if (!key) return std::unexpected(std::move(key.error()));
    const CertificateSpec spec{"Headgate local authority",
                               {},
                               CertificateUse::kAuthority,
                               now - kBackdate,
                               now - kBackdate + kAuthorityLife};
    auto certificate = make_certificate(spec, key->get(), {});
    if (!certificate) return std::unexpected(std::move(certificate.error()));
    certificate_pem = to_pem(certificate->get());
    key_pem = to_pem(key->get());
    if (auto kept = write_pair(directory + "/ca", *certificate_pem, *key_pem); !kept) {
      return std::unexpected(std::move(kept.error()));
    }
  }
  if (!certificate_pem) return std::unexpected(std::move(certificate_pem.error()));
  if (!key_pem) return std::unexpected(std::move(key_pem.error()));
  auto chain = parse_certificates(*certificate_pem, directory + "/ca.crt");
  if (!chain) return std::unexpected(std::move(chain.error()));
  auto key = parse_private_key(*key_pem, directory + "/ca.key");
  if (!key) return std::unexpected(std::move(key.error()));
  if (X509_check_private_key(chain->front().get(), key->get()) != 1) {
    openssl_reason();
    return fail(Code::kInvalid, fmt::format("{0}/ca.key does not belong to {0}/ca.crt", directory));
  }
  state = {std::move(chain->front()), std::move(*key), std::move(*certificate_pem)};
  return authority;
}

Result<CertificateSource> Authority::issue(std::string name, const std::vector<std::string>& names,
                                           WallTime now) const {
  if (auto checked = check_names(name, names); !checked)
    return std::unexpected(std::move(checked.error()));
  auto key = make_key(KeyType::kEcdsaP256);
  if (!key) return std::unexpected(std::move(key.error()));
  const CertificateSpec spec{names.front(), names, CertificateUse::kServer, now - kBackdate,
                             now + kLeafLife};
  auto certificate =
      make_certificate(spec, key->get(), {state_->certificate.get(), state_->key.get()});
  if (!certificate) return std::unexpected(std::move(certificate.error()));
  return CertificateSource{std::move(name), to_pem(certificate->get()) + state_->pem,
                           to_pem(key->get())};
}

Result<CertificateSource> Authority::issue_kept(const std::string& file,
                                                const std::vector<std::string>& names,
                                                WallTime now) const {
  if (!is_plain_file_name(file)) {
    return fail(Code::kInvalid, fmt::format("'{}': not a name for a certificate file", file));
  }
  const std::string base = directory_ + "/" + file;
  const auto chain_pem = read_file(base + ".crt", kFileBytesMax);
  const auto key_pem = read_file(base + ".key", kFileBytesMax);
  if (chain_pem && key_pem) {
    const auto chain = parse_certificates(*chain_pem, base + ".crt");
    const auto key = parse_private_key(*key_pem, base + ".key");
    const bool usable = chain && key &&
                        X509_check_private_key(chain->front().get(), key->get()) == 1 &&
                        X509_verify(chain->front().get(), state_->key.get()) == 1 &&
                        !due(chain->front().get(), now) && names_match(chain->front().get(), names);
    if (usable) return CertificateSource{base, *chain_pem, *key_pem};
    openssl_reason();
  }
  auto issued = issue(base, names, now);
  if (!issued) return issued;
  if (auto kept = write_pair(base, issued->chain_pem, issued->key_pem); !kept) {
    return std::unexpected(std::move(kept.error()));
  }
  return issued;
}

}  // namespace headgate::io::tls
