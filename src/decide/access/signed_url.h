#pragma once
// URLs that are of use until they expire, for whoever holds them: HMAC-SHA-256 over what they stand
// for, under a key that the site and the edge share. Pure; the clock is an argument.
//
// A signed URL carries these parameters (with the prefix "hg-"), each once, values as they are,
// without percent-encoding, in any place of its query:
//   hg-expires    seconds since 1970 in decimal digits, the first one not 0; good before that time
//   hg-key        which of the policy's keys signed
//   hg-prefix     optional: a path that begins and ends with '/'; the signature stands for every
//   path
//                 below it, with any query
//   hg-signature  base64url (RFC 4648 §5) without padding of the HMAC-SHA-256 of these lines,
//   joined
//                 by one '\n' each, none at the end:
//                   headgate-url-v1
//                   the host: lower case, without port; IPv6 without brackets
//                   the text of hg-expires
//                   the client's address (RFC 5952 text) where the policy binds it, else nothing
//                   "path" or "prefix"
//                   "path": the normalised path (wire/uri/normalise.h), and where pairs of the
//                   query are left when those above are taken out, '?' and these pairs, in their
//                   order, joined by '&'; "prefix": the text of hg-prefix
// Scheme, port, and the prefix of the names are not covered; the method is GET or HEAD.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"
#include "decide/access/reason.h"
#include "model/policy.h"
#include "wire/http/message.h"
#include "wire/ip/address.h"

namespace headgate::decide::access {

struct SignedUrlRequest {
  wire::http::Method method;
  std::string_view host;   // lower case, without port and brackets
  std::string_view path;   // normalised
  std::string_view query;  // as received, without '?'
  wire::ip::IpAddress client;
  WallTime now;
};

// kNone: the URL is good.
Reason check_signed_url(const model::SignedUrls& policy, const SignedUrlRequest& request);

// The query without the parameters that sign, in its own spelling; also for a URL that is not
// signed.
struct BareQuery {
  std::string text;
  bool is_there = false;  // some pair is left: "?" and `text`
};
BareQuery without_signature(std::string_view query, std::string_view parameter_prefix);
// Whether without_signature would take something out.
bool has_signature(std::string_view query, std::string_view parameter_prefix);

// --- for those who sign

struct UrlToSign {
  std::string_view host, path;  // as above
  BareQuery query;
  std::string_view prefix;   // empty: for the path and query alone
  std::string_view address;  // empty: for every client
  std::int64_t expires_s = 0;
};
// The parameters to append: "hg-expires=...&hg-key=...&hg-signature=...".
std::string sign_url(const UrlToSign& url, const model::SignedUrls::Key& key,
                     std::string_view parameter_prefix);
// What hg-prefix may be: begins and ends with '/', holds no '?', '&', '#', space or control byte.
bool is_url_prefix(std::string_view text);

}  // namespace headgate::decide::access
