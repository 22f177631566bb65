#include "config/syntax.h"

#include <algorithm>

#include "base/ascii.h"
#include "wire/ip/address.h"

namespace headgate::config::syntax {
namespace {

bool is_lower_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z'); }
bool is_alnum(char c) { return is_digit(c) || is_alpha(c); }

bool is_label(std::string_view s) {
  if (s.empty() || s.size() > 63 || !is_lower_alnum(s.front()) || !is_lower_alnum(s.back()))
    return false;
  return std::all_of(s.begin(), s.end(), [](char c) { return is_lower_alnum(c) || c == '-'; });
}

bool is_subdomain(std::string_view s) {
  if (s.empty() || s.size() > 253 || s.back() == '.') return false;
  while (!s.empty())
    if (!is_label(take_until(s, '.'))) return false;
  return true;
}

bool is_listed_hostname(std::string_view s) {
  if (s.starts_with("*.")) s.remove_prefix(2);
  return is_hostname(s);
}

bool is_header_value(std::string_view s) {
  if (trim_ows(s) != s) return false;
  return std::all_of(s.begin(), s.end(), [](char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  });
}

bool is_query_pattern(std::string_view s) {
  if (s.ends_with('*')) s.remove_suffix(1);
  return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) {
    return c != '*' && static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
  });
}

bool is_ip(std::string_view s) { return wire::ip::parse_ip(s).has_value(); }
bool is_prefix(std::string_view s) { return wire::ip::parse_prefix(s).has_value(); }

// Names of endpoints may hold upper case and '_': they are looked up, not matched.
bool is_lookup_name(std::string_view s) {
  if (s.ends_with('.')) s.remove_suffix(1);
  if (s.empty() || s.size() > 253) return false;
  while (!s.empty()) {
    const std::string_view label = take_until(s, '.');
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-')
      return false;
    if (!std::all_of(label.begin(), label.end(),
                     [](char c) { return is_alnum(c) || c == '-' || c == '_'; }))
      return false;
    if (s.empty() && std::all_of(label.begin(), label.end(), is_digit))
      return false;  // 10.0.0.256 is no name
  }
  return true;
}

bool is_endpoint_address(std::string_view s) {
  if (s.starts_with("unix:")) return s.size() > 6 && s[5] == '/' && s.size() <= 5 + 107;
  return is_ip(s) || is_lookup_name(s);
}

bool is_port(std::string_view s) {
  const auto port = parse_decimal(s);
  return s.size() <= 5 && port && *port >= 1 && *port <= 65535;
}

bool is_origin(std::string_view s) {
  if (s == "*") return true;
  const std::size_t at = s.find("://");
  if (at == std::string_view::npos || at == 0) return false;
  if (!std::all_of(s.begin(), s.begin() + static_cast<std::ptrdiff_t>(at), is_lower_alnum))
    return false;
  s.remove_prefix(at + 3);
  if (const std::size_t colon = s.rfind(':'); colon != std::string_view::npos) {
    if (!is_port(s.substr(colon + 1))) return false;
    s = s.substr(0, colon);
  }
  return is_listed_hostname(s) || is_ip(s);
}

bool is_path(std::string_view s) {
  return s.starts_with('/') &&
         std::all_of(s.begin(), s.end(), [](char c) { return c > 0x20 && c != 0x7f; });
}

bool is_url(std::string_view s) {
  const bool scheme = s.starts_with("http://") || s.starts_with("https://");
  return scheme && s.size() > s.find("://") + 3 &&
         std::all_of(s.begin(), s.end(), [](char c) { return c > 0x20 && c != 0x7f; });
}

bool is_base64(std::string_view s) {
  std::size_t symbols = 0, padding = 0;
  for (const char c : s) {
    if (c == '\n' || c == '\r') continue;
    ++symbols;
    if (c == '=') {
      ++padding;
    } else if (padding > 0 || !(is_alnum(c) || c == '+' || c == '/')) {
      return false;
    }
  }
  return padding <= 2 && symbols % 4 == 0;
}

bool is_data_key(std::string_view s) {
  return !s.empty() && s.size() <= 253 && std::all_of(s.begin(), s.end(), [](char c) {
    return is_alnum(c) || c == '-' || c == '_' || c == '.';
  });
}

bool is_label_value(std::string_view s) {
  if (s.empty()) return true;
  return s.size() <= 63 && is_alnum(s.front()) && is_alnum(s.back()) && is_data_key(s);
}

bool is_label_key(std::string_view s) {
  const std::size_t slash = s.find('/');
  if (slash != std::string_view::npos) {
    if (!is_subdomain(s.substr(0, slash))) return false;
    s.remove_prefix(slash + 1);
  }
  return !s.empty() && is_label_value(s);
}

bool is_identifier(std::string_view s) {
  return !s.empty() && !is_digit(s.front()) &&
         std::all_of(s.begin(), s.end(), [](char c) { return is_alnum(c) || c == '_'; });
}

bool is_grpc_service(std::string_view s) {
  if (s.empty() || s.back() == '.') return false;
  while (!s.empty())
    if (!is_identifier(take_until(s, '.'))) return false;
  return true;
}

}  // namespace

bool is_token(std::string_view s) {
  static constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) {
    return is_alnum(c) || kMarks.find(c) != std::string_view::npos;
  });
}

bool is_hostname(std::string_view s) { return is_subdomain(s) && !is_ip(s); }

const Syntax kObjectName{"a name of lower-case letters, digits, '-' and '.'", is_subdomain};
const Syntax kLabel{"a name of lower-case letters, digits and '-', at most 63 bytes", is_label};
const Syntax kSectionName{"a name of lower-case letters, digits, '-' and '.'", is_subdomain};
const Syntax kHostname{"a host name in lower case without port, or '*.' and one",
                       is_listed_hostname};
const Syntax kPreciseHostname{"a host name in lower case without port and without '*'",
                              is_hostname};
const Syntax kHeaderName{"a header name: letters, digits and !#$%&'*+-.^_`|~", is_token};
const Syntax kParameterPrefix{"the beginning of a name: letters, digits, '-', '_' and '.'",
                              is_data_key};
const Syntax kQueryPattern{
    "the name of a parameter, or the beginning of names and '*'; no control characters",
    is_query_pattern};
const Syntax kHeaderValue{"a header value: no control characters, no space at either end",
                          is_header_value};
const Syntax kMethodName{"a method name: letters, digits and !#$%&'*+-.^_`|~", is_token};
const Syntax kIpAddress{"an IP address", is_ip};
const Syntax kPrefix{
    "an IP address or a range such as 10.0.0.0/8 with no bit set behind its length", is_prefix};
const Syntax kEndpointAddress{"an IP address, a DNS name, or unix:/absolute/path",
                              is_endpoint_address};
const Syntax kOrigin{"'*' or an origin such as https://shop.example or https://*.shop.example:8443",
                     is_origin};
const Syntax kAbsolutePath{"a path that begins with '/', without spaces", is_path};
const Syntax kHttpUrl{"a URL that begins with http:// or https://", is_url};
const Syntax kBase64{"base64", is_base64};
const Syntax kDataKey{"letters, digits, '-', '_' and '.'", is_data_key};
const Syntax kLabelKey{"a label key, optionally with a domain and '/' before it", is_label_key};
const Syntax kLabelValue{"a label value: at most 63 letters, digits, '-', '_' and '.'",
                         is_label_value};
const Syntax kGrpcService{"a service name such as shop.v1.Cart", is_grpc_service};
const Syntax kGrpcMethod{"a method name: letters, digits and '_'", is_identifier};

}  // namespace headgate::config::syntax
