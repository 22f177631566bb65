#pragma once
// PEM text to X.509 objects, with errors that a person can act on. Any thread; control-side work,
// never on a data path. Limits: kPemBytesMax for one text, kCertificatesMax in it.
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/tls/handle.h"

namespace headgate::io::tls {

inline constexpr std::size_t kPemBytesMax = 1 << 20;
inline constexpr std::size_t kCertificatesMax = 512;

// `what` opens every message: "Secret default/local-tls: certificate chain".
// One certificate or more, in the order of the text; anything that is not a certificate is refused.
Result<std::vector<X509Ptr>> parse_certificates(std::string_view pem, std::string_view what);
// An unencrypted private key (PKCS #8, PKCS #1 or SEC 1).
Result<KeyPtr> parse_private_key(std::string_view pem, std::string_view what);

// DNS names of the subject alternative names, lower case. The common name counts for nothing (RFC
// 9525 §2).
std::vector<std::string> dns_names(const X509* certificate);
WallTime not_before(const X509* certificate);
WallTime not_after(const X509* certificate);
std::string subject_of(const X509* certificate);          // RFC 2253 text
std::string sha256_fingerprint(const X509* certificate);  // 64 lower-case hex digits

// A trust store of these anchors; an intermediate may be an anchor.
Result<StorePtr> make_store(const std::vector<X509Ptr>& anchors);

// The reason of the oldest queued OpenSSL error of this thread; clears the queue.
std::string openssl_reason();

}  // namespace headgate::io::tls
