#include "decide/route/match.h"

#include <re2/re2.h>

#include <algorithm>
#include <string>

#include "base/ascii.h"
#include "wire/uri/query.h"

namespace headgate::decide::route {
namespace {

using model::Candidate;
using model::NameValueMatch;
using model::PathTable;

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

bool value_fits(const NameValueMatch& wanted, std::string_view value) {
  return wanted.regex ? RE2::FullMatch(piece(value), *wanted.regex) : value == wanted.value;
}

bool same_name(const wire::http::Field& field, const NameValueMatch& wanted) {
  if (wanted.id != wire::http::FieldId::kOther) return field.id == wanted.id;
  return equals_ignore_case(field.name, wanted.name);
}

// Lines of one name are one list, joined by ", " (RFC 9110 §5.3).
bool header_fits(const NameValueMatch& wanted, const wire::http::Fields& fields) {
  const wire::http::Field* first = nullptr;
  std::string joined;
  for (const auto& field : fields) {
    if (!same_name(field, wanted)) continue;
    if (!first) {
      first = &field;
      continue;
    }
    if (joined.empty()) joined = first->value;
    joined.append(", ").append(field.value);
  }
  return first && value_fits(wanted, joined.empty() ? first->value : std::string_view(joined));
}

bool query_fits(const NameValueMatch& wanted, std::string_view query) {
  const auto value = wire::uri::find_query_value(query, wanted.name);
  if (!value) return false;
  if (!wanted.regex) return wire::uri::query_text_equals(*value, wanted.value);
  std::string decoded;
  wire::uri::append_query_text(decoded, *value);
  return value_fits(wanted, decoded);
}

bool fits(const model::Match& match, const RequestView& request) {
  if (!match.method.empty() && match.method != request.method) return false;
  for (const auto& wanted : match.headers)
    if (!header_fits(wanted, request.fields)) return false;
  for (const auto& wanted : match.query)
    if (!query_fits(wanted, request.query)) return false;
  return true;
}

const Candidate* first_fitting(const PathTable::Candidates& candidates,
                               const RequestView& request) {
  for (const Candidate& candidate : candidates)
    if (fits(candidate.match, request)) return &candidate;
  return nullptr;
}

const Candidate* match_regex(const PathTable& table, const RequestView& request) {
  for (const Candidate& candidate : table.regex)
    if (RE2::FullMatch(piece(request.path), *candidate.match.path.regex) &&
        fits(candidate.match, request))
      return &candidate;
  return nullptr;
}

// The whole path, then the path up to each of its slashes, longest first; "/" last and for every
// path.
std::optional<Matched> match_prefix(const PathTable& table, const RequestView& request) {
  if (table.prefix.empty()) return std::nullopt;
  std::size_t cut = request.path.size();
  while (cut > 0) {
    if (cut <= table.prefix_bytes_max) {
      const auto found = table.prefix.find(request.path.substr(0, cut));
      if (found != table.prefix.end() && cut > 1)
        if (const Candidate* candidate = first_fitting(found->second, request))
          return Matched{candidate, cut};
    }
    const std::size_t limit = std::min(cut - 1, table.prefix_bytes_max);
    const std::size_t slash = request.path.rfind('/', limit);
    if (slash == std::string_view::npos || slash == 0) break;
    cut = slash;
  }
  const auto root = table.prefix.find("/");
  if (root == table.prefix.end()) return std::nullopt;
  const Candidate* candidate = first_fitting(root->second, request);
  return candidate ? std::optional(Matched{candidate, 0}) : std::nullopt;
}

std::optional<Matched> match_path(const PathTable& table, const RequestView& request) {
  if (!table.exact.empty()) {
    const auto found = table.exact.find(request.path);
    if (found != table.exact.end())
      if (const Candidate* candidate = first_fitting(found->second, request))
        return Matched{candidate, 0};
  }
  if (const Candidate* candidate = match_regex(table, request)) return Matched{candidate, 0};
  return match_prefix(table, request);
}

std::string_view without_root_dot(std::string_view host) {
  if (host.size() > 1 && host.back() == '.') host.remove_suffix(1);
  return host;
}

// Longest suffix first: ".b.example" before ".example".
std::optional<Matched> match_wildcard(const model::RouteTable& table, std::string_view host,
                                      const RequestView& request) {
  if (table.wildcard_hosts.empty()) return std::nullopt;
  for (std::size_t dot = host.find('.', 1); dot != std::string_view::npos;
       dot = host.find('.', dot + 1)) {
    if (host.size() - dot > table.wildcard_bytes_max) continue;
    const auto found = table.wildcard_hosts.find(host.substr(dot));
    if (found == table.wildcard_hosts.end()) continue;
    if (const auto matched = match_path(found->second, request)) return matched;
  }
  return std::nullopt;
}

// Larger is more specific; 0: does not match. An exact name beats every wildcard, a longer wildcard
// a shorter one.
std::size_t specificity(std::string_view pattern, std::string_view host) {
  if (!host_matches(pattern, host)) return 0;
  if (pattern.empty() || pattern == "*") return 1;
  return pattern.starts_with("*.") ? 1 + pattern.size() : SIZE_MAX;
}

// Multiply-shift takes 64 random bits to [0, weight_sum) without a division.
template <typename R>
const model::Backend* pick_weighted(const R& rule, std::uint64_t random) {
  if (rule.weight_sum == 0) return nullptr;
  auto at =
      static_cast<std::uint64_t>((static_cast<unsigned __int128>(random) * rule.weight_sum) >> 64);
  for (const model::Backend& backend : rule.backends) {
    if (at < backend.weight) return &backend;
    at -= backend.weight;
  }
  return nullptr;
}

}  // namespace

std::optional<Matched> match(const model::RouteTable& table, const RequestView& request) {
  const std::string_view host = without_root_dot(request.host);
  if (!table.exact_hosts.empty())
    if (const auto found = table.exact_hosts.find(host); found != table.exact_hosts.end())
      if (const auto matched = match_path(found->second, request)) return matched;
  if (const auto matched = match_wildcard(table, host, request)) return matched;
  return match_path(table.any_host, request);
}

bool host_matches(std::string_view pattern, std::string_view host) {
  if (pattern.empty() || pattern == "*") return true;
  host = without_root_dot(host);
  if (!pattern.starts_with("*.")) return pattern == host;
  pattern.remove_prefix(1);
  return host.size() > pattern.size() && host.ends_with(pattern);
}

const model::Listener* select_listener(const model::Port& port, std::string_view host) {
  const model::Listener* best = nullptr;
  std::size_t best_specificity = 0;
  for (const auto& listener : port.listeners) {
    const std::size_t s = specificity(listener.hostname, host);
    if (s > best_specificity) best = &listener, best_specificity = s;
  }
  return best;
}

const model::ForwardRule* match_sni(const model::Port& port, std::string_view sni) {
  const model::ForwardRule* best = nullptr;
  std::size_t best_specificity = 0;
  const auto offer = [&](const model::ForwardRule& rule, std::string_view pattern) {
    const std::size_t s = specificity(pattern, sni);
    if (s > best_specificity) best = &rule, best_specificity = s;
  };
  for (const auto& rule : port.forwards) {
    if (rule.hostnames.empty()) offer(rule, "");
    for (const auto& hostname : rule.hostnames) offer(rule, hostname);
  }
  return best;
}

const model::Backend* pick_backend(const model::Rule& rule, std::uint64_t random) {
  return pick_weighted(rule, random);
}
const model::Backend* pick_backend(const model::ForwardRule& rule, std::uint64_t random) {
  return pick_weighted(rule, random);
}

}  // namespace headgate::decide::route
