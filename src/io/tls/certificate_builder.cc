#include "io/tls/certificate_builder.h"

#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <array>

#include "io/entropy.h"
#include "io/tls/pem.h"
#include "wire/ip/address.h"

namespace headgate::io::tls {

namespace {

constexpr std::size_t kCommonNameBytesMax = 64;  // ub-common-name, RFC 5280 appendix A

bool set_serial(X509* certificate) {
  std::array<unsigned char, 16> bytes;
  random_bytes(bytes);
  bytes[0] =
      static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);  // positive, and always of full length
  std::unique_ptr<BIGNUM, FreeWith<BN_free>> number(
      BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_subject(X509* certificate, std::string_view common_name) {
  const std::string_view shown = common_name.substr(0, kCommonNameBytesMax);
  return X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                    MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(shown.data()),
                                    static_cast<int>(shown.size()), -1, 0) == 1;
}

bool set_validity(X509* certificate, const CertificateSpec& spec) {
  return ASN1_TIME_set(X509_getm_notBefore(certificate), spec.not_before.seconds()) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), spec.not_after.seconds()) != nullptr;
}

bool add_extension(X509* certificate, X509V3_CTX& context, int nid, const char* value) {
  X509ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool add_usage(X509* certificate, X509V3_CTX& context, CertificateUse use) {
  if (use == CertificateUse::kAuthority) {
    return add_extension(certificate, context, NID_basic_constraints, "critical,CA:TRUE") &&
           add_extension(certificate, context, NID_key_usage, "critical,keyCertSign,cRLSign");
  }
  return add_extension(certificate, context, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate, context, NID_key_usage, "critical,digitalSignature") &&
         add_extension(certificate, context, NID_ext_key_usage,
                       use == CertificateUse::kServer ? "serverAuth" : "clientAuth") &&
         add_extension(certificate, context, NID_authority_key_identifier, "keyid");
}

GENERAL_NAME* make_general_name(const std::string& name) {
  GENERAL_NAME* made = GENERAL_NAME_new();
  if (!made) return nullptr;
  const auto address = wire::ip::parse_ip(name);
  ASN1_STRING* text =
      address ? static_cast<ASN1_STRING*>(ASN1_OCTET_STRING_new()) : ASN1_IA5STRING_new();
  const void* bytes = address ? static_cast<const void*>(address->bytes.data()) : name.data();
  const int length = static_cast<int>(address ? address->size() : name.size());
  if (!text || ASN1_STRING_set(text, bytes, length) != 1) {
    ASN1_STRING_free(text);
    GENERAL_NAME_free(made);
    return nullptr;
  }
  GENERAL_NAME_set0_value(made, address ? GEN_IPADD : GEN_DNS, text);
  return made;
}

bool add_names(X509* certificate, const std::vector<std::string>& names) {
  if (names.empty()) return true;
  NamesPtr list(GENERAL_NAMES_new());
  for (const std::string& name : names) {
    GENERAL_NAME* made = make_general_name(name);
    if (!made || !list || sk_GENERAL_NAME_push(list.get(), made) == 0) {
      GENERAL_NAME_free(made);
      return false;
    }
  }
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, list.get(), 0, 0) == 1;
}

std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  const long length = BIO_get_mem_data(bio, &bytes);
  return length > 0 ? std::string(bytes, static_cast<std::size_t>(length)) : std::string();
}

}  // namespace

Result<KeyPtr> make_key(KeyType type) {
  KeyPtr key(type == KeyType::kEcdsaP256 ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048));
  if (!key) return fail(Code::kInternal, "make a key: " + openssl_reason());
  return key;
}

Result<X509Ptr> make_certificate(const CertificateSpec& spec, EVP_PKEY* key, Issuer issuer) {
  X509Ptr made(X509_new());
  X509* certificate = made.get();
  if (!certificate) return fail(Code::kExhausted, "make a certificate: out of memory");
  if (!issuer.certificate) issuer = {certificate, key};
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer.certificate, certificate, nullptr, nullptr, 0);
  const bool done =
      X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
      set_subject(certificate, spec.common_name) && set_validity(certificate, spec) &&
      X509_set_issuer_name(certificate, X509_get_subject_name(issuer.certificate)) == 1 &&
      X509_set_pubkey(certificate, key) == 1 &&
      add_extension(certificate, context, NID_subject_key_identifier, "hash") &&
      add_usage(certificate, context, spec.use) && add_names(certificate, spec.names) &&
      X509_sign(certificate, issuer.key, EVP_sha256()) > 0;
  if (!done)
    return fail(Code::kInvalid,
                fmt::format("make a certificate for '{}': {}", spec.common_name, openssl_reason()));
  return made;
}

std::string to_pem(const X509* certificate) {
  BioPtr bio(BIO_new(BIO_s_mem()));
  return bio && PEM_write_bio_X509(bio.get(), certificate) == 1 ? text_of(bio.get())
                                                                : std::string();
}

std::string to_pem(const EVP_PKEY* key) {
  BioPtr bio(BIO_new(BIO_s_secmem()));
  const bool done =
      bio && PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1;
  return done ? text_of(bio.get()) : std::string();
}

}  // namespace headgate::io::tls
