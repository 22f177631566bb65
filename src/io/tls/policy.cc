#include "io/tls/policy.h"

#include <fmt/format.h>
#include <openssl/err.h>

#include "io/tls/pem.h"

namespace headgate::io::tls {

namespace {

// Cheap signatures first: with several certificates the server's order decides among what the
// client accepts.
constexpr const char* kSignatures =
    "ECDSA+SHA256:ed25519:RSA-PSS+SHA256:RSA+SHA256:ECDSA+SHA384:RSA-PSS+SHA384:RSA+SHA384:"
    "RSA-PSS+SHA512:RSA+SHA512";
constexpr const char* kTls12Ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kTls13Ciphers =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
// The hybrid exists from OpenSSL 3.5 on.
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr const char* kGroupsWithHybrid = "X25519MLKEM768:X25519:P-256:P-384";
constexpr int kSecurityLevel = 2;  // 112 bits: RSA from 2048, no SHA-1

Status apply_rules(SSL_CTX* context, int version_min) {
  ERR_clear_error();
  SSL_CTX_set_security_level(context, kSecurityLevel);
  if (SSL_CTX_set1_groups_list(context, kGroupsWithHybrid) != 1) {
    ERR_clear_error();
    if (SSL_CTX_set1_groups_list(context, kGroups) != 1)
      return fail(Code::kInternal, "TLS groups: " + openssl_reason());
  }
  const bool done = SSL_CTX_set_min_proto_version(context, version_min) == 1 &&
                    SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
                    SSL_CTX_set_cipher_list(context, kTls12Ciphers) == 1 &&
                    SSL_CTX_set_ciphersuites(context, kTls13Ciphers) == 1 &&
                    SSL_CTX_set1_sigalgs_list(context, kSignatures) == 1;
  if (!done) return fail(Code::kInternal, "TLS policy: " + openssl_reason());
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  return {};
}

Result<SslContextPtr> make_context(const SSL_METHOD* method, int version_min) {
  SslContextPtr context(SSL_CTX_new(method));
  if (!context) return fail(Code::kExhausted, "TLS context: " + openssl_reason());
  if (auto applied = apply_rules(context.get(), version_min); !applied)
    return std::unexpected(std::move(applied.error()));
  return context;
}

}  // namespace

Result<SslContextPtr> make_server_context(Policy policy) {
  auto context = make_context(TLS_server_method(),
                              policy == Policy::kModern ? TLS1_3_VERSION : TLS1_2_VERSION);
  if (!context) return context;
  SSL_CTX_set_options(context->get(), SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  // The chain is what the operator gave; building one anew for each handshake costs as much as the
  // signature.
  SSL_CTX_set_mode(context->get(), SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_session_cache_mode(context->get(), SSL_SESS_CACHE_OFF);
  return context;
}

Result<SslContextPtr> make_client_context() {
  auto context = make_context(TLS_client_method(), TLS1_2_VERSION);
  if (!context) return context;
  SSL_CTX_set_verify(context->get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(context->get(),
                                 SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  return context;
}

}  // namespace headgate::io::tls
