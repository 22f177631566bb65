#pragma once
// Syntaxes of text fields, each with the words that a problem uses.
#include <string_view>

#include "config/schema.h"

namespace headgate::config::syntax {

extern const Syntax kObjectName;       // RFC 1123 subdomain, 253 bytes
extern const Syntax kLabel;            // RFC 1123 label, 63 bytes: namespaces
extern const Syntax kSectionName;      // as kObjectName
extern const Syntax kHostname;         // lower case, at most a leading "*." label; no IP address
extern const Syntax kPreciseHostname;  // without "*."
extern const Syntax kHeaderName;       // RFC 9110 token; no ':' prefix
extern const Syntax kParameterPrefix;  // letters, digits, '-', '_', '.'
extern const Syntax kQueryPattern;     // decoded name, at most one '*', at its end
extern const Syntax kHeaderValue;      // visible text, spaces inside; no control bytes
extern const Syntax kMethodName;       // RFC 9110 token
extern const Syntax kIpAddress;
extern const Syntax kPrefix;           // CIDR or an address
extern const Syntax kEndpointAddress;  // IP address, DNS name, or unix:/absolute/path
extern const Syntax kOrigin;           // CORS: "*", scheme://host[:port], host may begin with "*."
extern const Syntax kAbsolutePath;     // begins with '/'
extern const Syntax kHttpUrl;          // http:// or https://
extern const Syntax kBase64;
extern const Syntax kDataKey;  // keys of Secret and ConfigMap
extern const Syntax kLabelKey;
extern const Syntax kLabelValue;
extern const Syntax kGrpcService;  // dotted identifiers
extern const Syntax kGrpcMethod;

bool is_token(std::string_view s);
bool is_hostname(std::string_view s);

}  // namespace headgate::config::syntax
