#pragma once
// Header fields as views. Field text lives elsewhere (a read buffer, an arena); whoever keeps a Field keeps that alive.
// Names that Headgate acts on have a FieldId, found once at parse time, so later code compares one byte.
#include <cstdint>
#include <string_view>
#include <vector>

namespace headgate::wire::http {

enum class FieldId : std::uint8_t {
  kOther,
  kAccept, kAcceptEncoding, kAcceptLanguage, kAccessControlRequestHeaders, kAccessControlRequestMethod, kAge, kAltSvc, kAuthorization,
  kCacheControl, kCacheStatus, kCacheTag, kCdnCacheControl, kConnection, kContentEncoding, kContentLength, kContentLocation,
  kContentRange, kContentType, kCookie, kDate, kEtag, kExpect, kExpires, kForwarded, kGrpcMessage, kGrpcStatus,
  kHost, kHttp2Settings, kIfMatch, kIfModifiedSince, kIfNoneMatch, kIfRange, kIfUnmodifiedSince, kKeepAlive,
  kLastModified, kLocation, kOrigin, kPragma, kProxyAuthenticate, kProxyAuthorization, kProxyConnection, kRange,
  kReferer, kRetryAfter, kSecWebsocketAccept, kSecWebsocketKey, kSecWebsocketVersion, kServer, kSetCookie,
  kSurrogateControl, kTe, kTraceparent, kTracestate, kTrailer, kTransferEncoding, kUpgrade, kUserAgent, kVary, kVia,
  kWarning, kWwwAuthenticate, kXForwardedFor, kXForwardedHost, kXForwardedPort, kXForwardedProto, kXRequestId,
  kCount,
};

// Lower-case name; empty for kOther.
std::string_view name_of(FieldId id);
// Case-insensitive.
FieldId field_id(std::string_view name);

struct Field {
  std::string_view name;  // as received; HTTP/2 names are lower case already
  std::string_view value;
  FieldId id = FieldId::kOther;
};

// Bits of field properties; one table, indexed by FieldId.
bool is_hop_by_hop(FieldId id);        // RFC 9110 §7.6.1: never forwarded as received
bool is_forbidden_trailer(FieldId id); // RFC 9110 §6.5.1: framing, routing, authentication, cache control
// Names a client may not delete by listing them in Connection (notes row 8: Host, Cookie, X-Forwarded-* ...).
bool is_protected_from_connection(FieldId id);

using Fields = std::vector<Field>;

// push_back of something that has a name is the overload that compilers inline.
inline void add(Fields& fields, const Field& field) { fields.push_back(field); }

const Field* find(const Fields& fields, FieldId id);
const Field* find(const Fields& fields, std::string_view name);  // case-insensitive; by id when the name has one

}  // namespace headgate::wire::http
