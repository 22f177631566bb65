#include "config/compile/certificates.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

#include "base/ascii.h"
#include "config/value.h"

namespace headgate::config {
namespace {

template <auto free_function>
struct Freer {
  template <typename T>
  void operator()(T* pointer) const {
    free_function(pointer);
  }
};
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using X509Ptr = std::unique_ptr<X509, Freer<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;

constexpr int kCertificatesOfChainMax = 32;

Bio open(std::string_view pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// A key with a password is refused rather than asked about on the terminal.
int no_password(char*, int, int, void*) { return 0; }

X509Ptr read_x509(BIO* bio) {
  return X509Ptr(PEM_read_bio_X509(bio, nullptr, no_password, nullptr));
}

// The number of certificates, or nothing when one of them does not parse.
Result<int> count_certificates(std::string_view pem) {
  const Bio bio = open(pem);
  int count = 0;
  while (count < kCertificatesOfChainMax * 16 && read_x509(bio.get())) ++count;
  const unsigned long error = ERR_peek_last_error();
  const bool ended =
      ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!ended) return fail(Code::kInvalid, fmt::format("certificate {} does not parse", count + 1));
  if (count == 0) return fail(Code::kInvalid, "holds no certificate in PEM form");
  return count;
}

// Whether a name of the certificate is the wildcard itself or lies below it.
bool names_below(X509* leaf, std::string_view wildcard) {
  using Names = std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>>;
  const Names names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    const auto* bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    const std::string text = to_lower(
        std::string_view(bytes, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))));
    if (text.ends_with(wildcard.substr(1))) return true;
  }
  return false;
}

}  // namespace

std::string decode_base64(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int have = 0;
  for (const char c : text) {
    int value = -1;
    if (c >= 'A' && c <= 'Z') value = c - 'A';
    if (c >= 'a' && c <= 'z') value = c - 'a' + 26;
    if (is_digit(c)) value = c - '0' + 52;
    if (c == '+') value = 62;
    if (c == '/') value = 63;
    if (value < 0) continue;  // line ends and padding; the schema let nothing else in
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    if ((have += 6) < 8) continue;
    have -= 8;
    out += static_cast<char>((bits >> have) & 0xff);
  }
  return out;
}

std::optional<std::string> data_of(const Object& object, std::string_view key) {
  if (const Json* plain = find(at(*object.value, "stringData"), key))
    return plain->get<std::string>();
  const bool secret = object.kind->name == "Secret";
  if (const Json* value = find(at(*object.value, "data"), key))
    return secret ? decode_base64(value->get_ref<const std::string&>()) : value->get<std::string>();
  if (const Json* value = find(at(*object.value, "binaryData"), key))
    return decode_base64(value->get_ref<const std::string&>());
  return std::nullopt;
}

std::vector<std::pair<std::string, std::string>> all_data_of(const Object& object) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const std::string_view field : {"data", "stringData"})
    for (const auto& [key, ignored] : at(*object.value, field).items())
      if (field == "stringData" || !find(at(*object.value, "stringData"), key))
        out.emplace_back(key, *data_of(object, key));
  return out;
}

Result<model::Certificate> read_certificate(const Object& secret) {
  const auto chain = data_of(secret, "tls.crt"), key = data_of(secret, "tls.key");
  if (!chain || !key)
    return fail(Code::kInvalid, fmt::format("{} does not hold tls.crt and tls.key", secret.label));
  const auto count = count_certificates(*chain);
  if (!count)
    return fail(Code::kInvalid,
                fmt::format("{}: tls.crt: {}", secret.label, count.error().message));
  if (*count > kCertificatesOfChainMax)
    return fail(Code::kInvalid, fmt::format("{}: tls.crt: expected at most {} certificates, got {}",
                                            secret.label, kCertificatesOfChainMax, *count));
  const Bio key_bio = open(*key), leaf_bio = open(*chain);
  const Key parsed(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, no_password, nullptr));
  const X509Ptr leaf = read_x509(leaf_bio.get());
  ERR_clear_error();
  if (!parsed)
    return fail(Code::kInvalid,
                fmt::format("{}: tls.key: holds no private key in PEM form without a password",
                            secret.label));
  const bool match = X509_check_private_key(leaf.get(), parsed.get()) == 1;
  ERR_clear_error();
  if (!match)
    return fail(
        Code::kInvalid,
        fmt::format("{}: tls.key is not the key of the certificate in tls.crt", secret.label));
  return model::Certificate{secret.label, *chain, *key, hash64(*key, hash64(*chain))};
}

bool covers(const model::Certificate& certificate, std::string_view hostname) {
  if (hostname.empty()) return true;
  const Bio bio = open(certificate.chain_pem);
  const X509Ptr leaf = read_x509(bio.get());
  ERR_clear_error();
  if (!leaf) return false;
  if (hostname.starts_with("*.")) return names_below(leaf.get(), hostname);
  const bool match = X509_check_host(leaf.get(), hostname.data(), hostname.size(), 0, nullptr) == 1;
  ERR_clear_error();
  return match;
}

Status check_trust_anchors(std::string_view pem) {
  const auto count = count_certificates(pem);
  if (!count) return std::unexpected(count.error());
  return {};
}

std::string read_trust_anchors(const Context& context, const Object& from, const Json& references,
                               const Place& place) {
  std::string out;
  for (std::size_t i = 0; i < references.size(); ++i) {
    const Place here(place, i);
    const Resolved found = context.resolve(from, "", text_of(references[i], "kind"), references[i]);
    if (!found.object) {
      context.fault(here, found.fault);
      continue;
    }
    const auto pem = data_of(*found.object, "ca.crt");
    if (!pem) {
      context.fault(here, fmt::format("{} does not hold ca.crt", found.object->label));
    } else if (const Status good = check_trust_anchors(*pem); !good) {
      context.fault(here, fmt::format("{}: ca.crt: {}", found.object->label, good.error().message));
    } else {
      out += *pem;
      if (!out.ends_with('\n')) out += '\n';
    }
  }
  return out;
}

}  // namespace headgate::config
