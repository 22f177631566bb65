#pragma once
// Certificates, keys and trust anchors out of Secrets and ConfigMaps, checked with OpenSSL before
// anybody serves them.
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "config/compile/context.h"
#include "model/listener.h"

namespace headgate::config {

// Value of a Secret or ConfigMap, decoded; nullopt when it has no such key.
std::optional<std::string> data_of(const Object& object, std::string_view key);
// Every key and value of it, decoded.
std::vector<std::pair<std::string, std::string>> all_data_of(const Object& object);
std::string decode_base64(std::string_view text);

// Leaf and key of a kubernetes.io/tls Secret. The error says what is wrong with it.
Result<model::Certificate> read_certificate(const Object& secret);
// Whether the leaf covers the host name; of "*.example" whether it names that or something below
// it.
bool covers(const model::Certificate& certificate, std::string_view hostname);
// At least one certificate in PEM, and nothing that does not parse.
Status check_trust_anchors(std::string_view pem);

// Follows caCertificateRefs and joins what is found; faults go to `place` of the list.
std::string read_trust_anchors(const Context& context, const Object& from, const Json& references,
                               const Place& place);

}  // namespace headgate::config
