#include "io/tls/handshake_facts.h"

#include <openssl/ssl.h>

#include "io/tls/handle.h"
#include "io/tls/pem.h"

namespace headgate::io::tls {

namespace {
std::string_view protocol_of(const SSL* ssl) {
  const unsigned char* name = nullptr;
  unsigned int length = 0;
  SSL_get0_alpn_selected(ssl, &name, &length);
  return {reinterpret_cast<const char*>(name), length};
}
}  // namespace

HandshakeFacts handshake_facts(const SSL* ssl) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  const char* cipher = SSL_get_cipher_name(ssl);
  return {SSL_get_version(ssl), cipher ? cipher : "", protocol_of(ssl), name ? name : "",
          SSL_session_reused(ssl) == 1};
}

bool negotiated_h2(const SSL* ssl) { return protocol_of(ssl) == "h2"; }

std::optional<ClientIdentity> client_identity(const SSL* ssl) {
  const X509* certificate = SSL_get0_peer_certificate(ssl);
  if (!certificate) return std::nullopt;
  const long result = SSL_get_verify_result(ssl);
  ClientIdentity identity{
      result == X509_V_OK, subject_of(certificate), sha256_fingerprint(certificate), {}};
  if (!identity.verified) identity.problem = X509_verify_cert_error_string(result);
  return identity;
}

}  // namespace headgate::io::tls
