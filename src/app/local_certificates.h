#pragma once
// Certificates of the development CA for listeners that name none. Any thread, one at a time;
// blocking. The CA lives below the state directory in local-ca/.
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/tls/server_config.h"
#include "model/snapshot.h"

namespace headgate::app {

// The snapshot itself when no listener asks for local certificates, else a copy that has them.
Result<std::shared_ptr<const model::Snapshot>> with_local_certificates(
    std::shared_ptr<const model::Snapshot> snapshot, const std::string& state, WallTime now);

// Of the API's own port.
Result<io::tls::CertificateSource> certificate_for_api(const std::string& state,
                                                       const std::string& address, WallTime now);

std::string local_ca_file(const std::string& state);
// Names that a certificate for this listener covers: its own, and those of its routes, because
// clients do not take a wildcard directly below a top-level name such as localhost. At most
// io::tls::Authority::kNamesMax: first the listener's own, then exact ones, then wildcards.
std::vector<std::string> names_of(const model::Listener& listener, const std::string& address);

}  // namespace headgate::app
