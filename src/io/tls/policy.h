#pragma once
// The cryptographic rules that all TLS of this process follows, and the contexts that carry them.
#include "base/result.h"
#include "io/tls/handle.h"
#include "io/tls/server_config.h"

namespace headgate::io::tls {

// A server context without certificates: versions, ciphers, groups and signature algorithms of the
// policy; no renegotiation, no compression, no session cache, no early data.
Result<SslContextPtr> make_server_context(Policy policy);
// A client context that verifies its peer; the trust store is the caller's to set.
Result<SslContextPtr> make_client_context();

}  // namespace headgate::io::tls
