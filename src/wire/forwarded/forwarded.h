#pragma once
// Who the client is, as proxies in front tell it: X-Forwarded-For and Forwarded (RFC 7239), and
// what we write for those behind. Both lists are read from the right: what a trusted proxy appended
// is the only part that is worth anything, so garbage that a client planted on the left cannot
// change how the right end reads. Views point into the field values; nothing allocates.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "wire/http/message.h"
#include "wire/ip/address.h"

namespace headgate::wire::forwarded {

inline constexpr std::size_t kHopsMax = 64;  // further left nobody looks

struct Hop {
  bool known = false;  // false: "unknown", an obfuscated name, or garbage
  ip::IpAddress address;
};

// Elements of a comma-separated list, given as all values of the field in order of arrival, the
// last one first.
class ElementsFromRight {
 public:
  explicit ElementsFromRight(std::span<const std::string_view> values) : values_(values) {}
  // Trimmed, may be empty. Commas inside of quoted strings do not separate when `quoted`.
  std::optional<std::string_view> previous(bool quoted);

 private:
  std::span<const std::string_view> values_;
  std::string_view rest_;
  bool in_value_ = false;
  std::size_t taken_ = 0;
};

class XForwardedFor {
 public:
  explicit XForwardedFor(std::span<const std::string_view> values) : elements_(values) {}
  std::optional<Hop> previous();

 private:
  ElementsFromRight elements_;
};

class Forwarded {
 public:
  explicit Forwarded(std::span<const std::string_view> values) : elements_(values) {}
  std::optional<Hop> previous();

 private:
  ElementsFromRight elements_;
};

// The first address from the right that is not trusted, the connection's own peer being the
// rightmost. A hop that is not known ends the walk at the proxy which reported it; when all are
// trusted, the leftmost is the client.
template <typename Hops, typename IsTrusted>
ip::IpAddress client_address(Hops hops, const ip::IpAddress& peer, const IsTrusted& is_trusted) {
  ip::IpAddress client = peer;
  while (is_trusted(client)) {
    const std::optional<Hop> hop = hops.previous();
    if (!hop || !hop->known) break;
    client = hop->address;
  }
  return client;
}

struct AnyOf {  // a predicate for client_address
  std::span<const ip::Prefix> prefixes;
  bool operator()(const ip::IpAddress& address) const;
};

// One element of Forwarded; unquoted views. A value with a quoted pair, a name there twice or bad
// syntax is no element.
struct Element {
  std::string_view for_node, by_node, host, proto;
};
std::optional<Element> parse_element(std::string_view text);
// "192.0.2.1", "192.0.2.1:80", "[::1]", "[::1]:80", and bare "::1" (X-Forwarded-For alone has
// that).
std::optional<ip::IpAddress> parse_node(std::string_view text, bool bare_v6);

// Each appends the whole new field value: the existing one (may be empty), then ours.
void append_x_forwarded_for(std::string& out, std::string_view existing,
                            const ip::IpAddress& client);
struct OurElement {
  ip::IpAddress client;
  std::string_view host,
      proto;  // left out when empty, or when they cannot stand in a quoted string
};
void append_forwarded(std::string& out, std::string_view existing, const OurElement& element);
// RFC 9110 §7.6.3: "1.1 name"; `version` is that of the received message.
void append_via(std::string& out, std::string_view existing, http::Version version,
                std::string_view name);
// How often we stand in Via already: more than a few times is a loop.
std::size_t count_in_via(std::string_view via, std::string_view name);

}  // namespace headgate::wire::forwarded
