#include <algorithm>

#include "base/ascii.h"
#include "wire/forwarded/forwarded.h"
#include "wire/http/text.h"

namespace headgate::wire::forwarded {
namespace {

// A quote inside of a quoted string is escaped when an odd number of backslashes stands before it.
bool is_escaped(std::string_view text, std::size_t at) {
  std::size_t slashes = 0;
  while (slashes < at && text[at - 1 - slashes] == '\\') ++slashes;
  return slashes % 2 == 1;
}

// Where the last separator stands, or npos. Quotes are paired from the right.
std::size_t last_comma(std::string_view text, bool quoted) {
  if (!quoted) return text.rfind(',');
  bool inside = false;
  for (std::size_t i = text.size(); i-- > 0;) {
    if (text[i] == '"' && !(inside && is_escaped(text, i))) inside = !inside;
    if (text[i] == ',' && !inside) return i;
  }
  return std::string_view::npos;
}

// token / quoted-string; quoted pairs are refused, since no node, host or scheme needs one.
std::optional<std::string_view> unquoted(std::string_view text) {
  if (text.size() < 2 || text.front() != '"')
    return http::is_token(text) ? std::optional(text) : std::nullopt;
  if (text.back() != '"') return std::nullopt;
  text = text.substr(1, text.size() - 2);
  const bool plain = std::ranges::none_of(text, [](char c) {
    return c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ' || c == 0x7f;
  });
  return plain ? std::optional(text) : std::nullopt;
}

// Takes a pair off the front, up to a ';' outside of quotes.
std::string_view take_pair(std::string_view& rest) {
  bool inside = false;
  std::size_t end = 0;
  for (; end < rest.size() && (inside || rest[end] != ';'); ++end) {
    if (inside && rest[end] == '\\')
      ++end;
    else if (rest[end] == '"')
      inside = !inside;
  }
  end = std::min(end, rest.size());
  const std::string_view pair = trim_ows(rest.substr(0, end));
  rest.remove_prefix(std::min(rest.size(), end + 1));
  return pair;
}

// Where the value of a known parameter goes; null for extensions.
std::string_view* slot_of(Element& element, std::string_view name) {
  if (equals_ignore_case(name, "for")) return &element.for_node;
  if (equals_ignore_case(name, "by")) return &element.by_node;
  if (equals_ignore_case(name, "host")) return &element.host;
  if (equals_ignore_case(name, "proto")) return &element.proto;
  return nullptr;
}

Hop hop_of(std::string_view node, bool bare_v6) {
  const auto address = parse_node(node, bare_v6);
  return address ? Hop{true, *address} : Hop{};
}

}  // namespace

std::optional<std::string_view> ElementsFromRight::previous(bool quoted) {
  if (taken_ == kHopsMax) return std::nullopt;
  if (!in_value_) {
    if (values_.empty()) return std::nullopt;
    rest_ = values_.back();
    values_ = values_.first(values_.size() - 1);
    in_value_ = true;
  }
  ++taken_;
  const std::size_t comma = last_comma(rest_, quoted);
  in_value_ = comma != std::string_view::npos;
  const std::string_view element = in_value_ ? rest_.substr(comma + 1) : rest_;
  rest_ = in_value_ ? rest_.substr(0, comma) : std::string_view{};
  return trim_ows(element);
}

std::optional<Hop> XForwardedFor::previous() {
  const auto text = elements_.previous(false);
  if (!text) return std::nullopt;
  return hop_of(*text, true);
}

std::optional<Hop> Forwarded::previous() {
  const auto text = elements_.previous(true);
  if (!text) return std::nullopt;
  const auto element = parse_element(*text);
  return element ? hop_of(element->for_node, false) : Hop{};
}

bool AnyOf::operator()(const ip::IpAddress& address) const {
  return std::ranges::any_of(prefixes,
                             [&](const ip::Prefix& p) { return ip::contains(p, address); });
}

std::optional<Element> parse_element(std::string_view text) {
  Element element;
  while (!text.empty()) {
    const std::string_view pair = take_pair(text);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || !http::is_token(pair.substr(0, equals)))
      return std::nullopt;
    std::string_view* slot = slot_of(element, pair.substr(0, equals));
    if (!slot) continue;
    const auto value = unquoted(pair.substr(equals + 1));
    if (!value || value->empty() || !slot->empty()) return std::nullopt;
    *slot = *value;
  }
  return element;
}

std::optional<ip::IpAddress> parse_node(std::string_view text, bool bare_v6) {
  if (text.starts_with('[') && text.ends_with(']')) {
    const auto address = ip::parse_ip(text.substr(1, text.size() - 2));
    const bool colons = text.find(':') != std::string_view::npos;
    return colons ? address : std::nullopt;
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos ||
      (bare_v6 && !text.starts_with('[') && text.find(':', colon + 1) != std::string_view::npos))
    return ip::parse_ip(text);
  const auto endpoint = ip::parse_endpoint(text);
  if (!endpoint) return std::nullopt;
  return endpoint->address;
}

std::size_t count_in_via(std::string_view via, std::string_view name) {
  std::size_t count = 0;
  while (!via.empty()) {
    std::string_view element = trim_ows(take_until(via, ','));
    take_until(element, ' ');  // received-protocol
    element = trim_ows(element);
    if (equals_ignore_case(element.substr(0, element.find_first_of(" \t")), name)) ++count;
  }
  return count;
}

}  // namespace headgate::wire::forwarded
