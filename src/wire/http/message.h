#pragma once
// Request and response heads, the same for every HTTP version. Views point into the storage named by the owner;
// pseudo-header fields and framing are taken out of `fields` into members.
#include <cstdint>
#include <optional>
#include <string_view>

#include "wire/http/field.h"

namespace headgate::wire::http {

// Those whose properties matter here; every other one is taken to be neither safe nor idempotent.
enum class Method : std::uint8_t {
  kGet, kHead, kPost, kPut, kDelete, kConnect, kOptions, kTrace, kPatch, kPropfind, kReport, kSearch, kOther
};
enum class Version : std::uint8_t { k10, k11, k2 };

Method parse_method(std::string_view text);
std::string_view to_string(Version version);  // "HTTP/1.0", "HTTP/1.1", "HTTP/2"
bool is_safe(Method method);                  // RFC 9110 §9.2.1; of the registry's others, RFC 7237
bool is_idempotent(Method method);            // RFC 9110 §9.2.2

// How the end of a body is known (RFC 9112 §6.3; HTTP/2 bodies end by flag: kStream).
struct Framing {
  enum class Kind : std::uint8_t { kNone, kLength, kChunked, kUntilClose, kStream };
  Kind kind = Kind::kNone;
  std::uint64_t length = 0;  // kLength; kStream with a content-length also sets has_length
  bool has_length = false;
};

struct RequestHead {
  Method method = Method::kGet;
  std::string_view method_text;
  std::string_view scheme;     // "http" or "https"; for HTTP/1 set by the session from the transport unless absolute-form
  std::string_view authority;  // host[:port]: absolute-form or :authority wins over Host (RFC 9112 §3.2.2)
  std::string_view host;       // of the authority, without port and brackets; empty when the codec did not validate it
  std::string_view target;     // path and query as sent, "*" for OPTIONS *, empty for CONNECT without :path
  std::string_view protocol;   // :protocol (RFC 8441), or the Upgrade token of HTTP/1.1 with Connection: upgrade
  Version version = Version::k11;
  Framing framing;
  bool keep_alive = true;        // HTTP/1: what the client asks for
  bool expect_continue = false;
  bool te_trailers = false;      // TE: trailers
  bool names_in_connection = false;  // Connection names fields other than close, keep-alive, upgrade, te
  Fields fields;                 // without Host, without pseudo-headers; hop-by-hop ones are still here
};

struct ResponseHead {
  int status = 0;
  std::string_view reason;   // HTTP/1 only
  Version version = Version::k11;
  Framing framing;
  bool keep_alive = true;
  bool names_in_connection = false;
  std::string_view protocol;  // Upgrade token of a 101
  Fields fields;
};

constexpr bool is_interim(int status) { return status >= 100 && status < 200; }
// RFC 9110 §6.4.1: no content whatever the fields say.
constexpr bool has_no_body(int status) { return is_interim(status) || status == 204 || status == 304; }

}  // namespace headgate::wire::http
