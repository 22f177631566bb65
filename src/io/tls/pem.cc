#include "io/tls/pem.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <ctime>

#include "base/ascii.h"

namespace headgate::io::tls {

namespace {

// PEM readers would otherwise ask for a pass phrase on the terminal.
int refuse_pass_phrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Result<BioPtr> open_text(std::string_view pem, std::string_view what) {
  if (pem.empty()) return fail(Code::kInvalid, fmt::format("{}: is empty", what));
  if (pem.size() > kPemBytesMax) {
    return fail(Code::kExhausted,
                fmt::format("{}: {} bytes, the limit is {}", what, pem.size(), kPemBytesMax));
  }
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) return fail(Code::kExhausted, fmt::format("{}: out of memory", what));
  return bio;
}

// The readers skip over sections of other types, so a key pasted into a chain would go unnoticed.
bool holds_private_key(std::string_view pem) {
  return pem.find("PRIVATE KEY-----") != std::string_view::npos;
}

WallTime to_wall(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return {static_cast<std::int64_t>(timegm(&parts)) * 1'000'000'000};
}

}  // namespace

std::string openssl_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return reason ? reason : "unknown reason";
}

Result<std::vector<X509Ptr>> parse_certificates(std::string_view pem, std::string_view what) {
  auto bio = open_text(pem, what);
  if (!bio) return std::unexpected(std::move(bio.error()));
  if (holds_private_key(pem)) {
    return fail(Code::kInvalid,
                fmt::format("{}: holds a private key, expected certificates alone", what));
  }
  std::vector<X509Ptr> certificates;
  ERR_clear_error();
  while (X509* certificate = PEM_read_bio_X509(bio->get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(certificate);
    if (certificates.size() > kCertificatesMax) {
      return fail(Code::kExhausted,
                  fmt::format("{}: more than {} certificates", what, kCertificatesMax));
    }
  }
  const bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!ended) {
    return fail(Code::kInvalid, fmt::format("{}: certificate {} does not parse: {}", what,
                                            certificates.size() + 1, openssl_reason()));
  }
  ERR_clear_error();
  if (certificates.empty()) {
    return fail(Code::kInvalid, fmt::format("{}: holds no PEM block 'CERTIFICATE'", what));
  }
  return certificates;
}

Result<KeyPtr> parse_private_key(std::string_view pem, std::string_view what) {
  auto bio = open_text(pem, what);
  if (!bio) return std::unexpected(std::move(bio.error()));
  bool asked = false;
  ERR_clear_error();
  KeyPtr key(PEM_read_bio_PrivateKey(bio->get(), nullptr, refuse_pass_phrase, &asked));
  if (key) return key;
  const std::string reason = openssl_reason();
  if (asked)
    return fail(Code::kInvalid,
                fmt::format("{}: is encrypted, expected a plain private key", what));
  if (!holds_private_key(pem)) {
    return fail(Code::kInvalid, fmt::format("{}: holds no PEM block 'PRIVATE KEY'", what));
  }
  return fail(Code::kInvalid, fmt::format("{}: does not parse: {}", what, reason));
}

std::vector<std::string> dns_names(const X509* certificate) {
  std::vector<std::string> names;
  NamesPtr found(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; found && i < sk_GENERAL_NAME_num(found.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(found.get(), i);
    if (name->type != GEN_DNS) continue;
    const auto* text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    names.push_back(
        to_lower({text, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))}));
  }
  return names;
}

WallTime not_before(const X509* certificate) { return to_wall(X509_get0_notBefore(certificate)); }
WallTime not_after(const X509* certificate) { return to_wall(X509_get0_notAfter(certificate)); }

std::string subject_of(const X509* certificate) {
  BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio) return {};
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &text);
  return length > 0 ? std::string(text, static_cast<std::size_t>(length)) : std::string();
}

std::string sha256_fingerprint(const X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  if (X509_digest(certificate, EVP_sha256(), digest, &length) != 1) return {};
  std::string text;
  for (unsigned int i = 0; i < length; ++i) append_hex(text, digest[i], 2);
  return text;
}

Result<StorePtr> make_store(const std::vector<X509Ptr>& anchors) {
  StorePtr store(X509_STORE_new());
  if (!store) return fail(Code::kExhausted, "trust store: out of memory");
  for (const X509Ptr& anchor : anchors) {
    if (X509_STORE_add_cert(store.get(), anchor.get()) != 1) {
      return fail(Code::kInvalid,
                  fmt::format("trust anchor '{}': {}", subject_of(anchor.get()), openssl_reason()));
    }
  }
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
  return store;
}

}  // namespace headgate::io::tls
