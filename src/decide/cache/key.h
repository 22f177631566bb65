#pragma once
// The cache key (RFC 9111 §2) of the URL that the client asked for: the locator
// ("https://host:8443/path", normalised, the port only where it is not the scheme's own), the keyed
// query, then what the policy adds, each part with its length. The store compares the bytes; the
// hash only finds them, and is keyed by a secret so that strangers cannot make keys that collide.
// GET and HEAD share a key.
//
// A KeyBuilder belongs to one worker and is used again for each request: no allocation once its
// buffers have grown.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/siphash.h"
#include "decide/cache/query.h"
#include "model/cache_policy.h"
#include "wire/http/field.h"

namespace headgate::decide::cache {

// Of the request as the client meant it.
struct KeyInput {
  std::string_view scheme;            // "http" or "https"
  std::string_view host;              // without port and brackets
  std::optional<std::uint16_t> port;  // none, or the scheme's own: the same
  std::string_view path;              // normalised (wire/uri/normalise.h)
  Query query;                        // as received
  std::uint64_t scope = 0;            // model::Rule::cache_scope
};

struct CacheKey {
  std::string_view bytes;
  Hash128 hash;
  std::uint32_t locator_offset = 0, locator_bytes = 0;  // where it lies in `bytes`
  Query query;  // what of the query is part of the key: send no other to the origin

  std::string_view locator() const { return bytes.substr(locator_offset, locator_bytes); }
};

class KeyBuilder {
 public:
  explicit KeyBuilder(SipKey secret) : secret_(secret) {}
  // The views stay valid until the next call, `query` as long as the input's too.
  CacheKey build(const KeyInput& input, const wire::http::Fields& request,
                 const model::CachePolicy& policy);
  // Of one slice of a large object: the whole's key, which of its fetches (`series`), and the
  // slice's number. No request has such a key. `whole` is not a view of this builder's.
  CacheKey slice(const CacheKey& whole, std::uint64_t series, std::uint32_t number);

 private:
  SipKey secret_;
  std::string bytes_, query_, value_;
  QueryScratch scratch_;
};

// Appends "https://host:8443": lower case, IPv6 in brackets, the scheme's own port left out.
void append_origin(std::string& out, const KeyInput& url);

// The parts by which purges name what they mean. None when the bytes are no key.
struct KeyView {
  std::string_view locator;
  Query query;
};
std::optional<KeyView> read_key(std::string_view bytes);

// "https://a.example:8443/b?c", for Cache-Status and logs.
void append_key_text(std::string& out, const KeyView& key);

}  // namespace headgate::decide::cache
