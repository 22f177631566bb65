#include "decide/route/rewrite.h"

#include <algorithm>

#include "base/ascii.h"

namespace headgate::decide::route {
namespace {

void append_replaced_prefix(std::string& out, std::string_view replacement, std::string_view rest) {
  const std::size_t start = out.size();
  while (!replacement.empty() && replacement.back() == '/') replacement.remove_suffix(1);
  if (!replacement.empty() && replacement.front() != '/') out += '/';
  out += replacement;
  out += rest;
  if (out.size() == start) out += '/';
}

void append_query(std::string& out, std::string_view query, bool has_query) {
  if (!has_query) return;
  out += '?';
  out += query;
}

std::uint16_t well_known_port(std::string_view scheme) {
  if (scheme == "http") return 80;
  return scheme == "https" ? 443 : 0;
}

std::uint16_t redirect_port(const model::Redirect& redirect, std::uint16_t listener_port) {
  if (redirect.port) return *redirect.port;
  const std::uint16_t known = well_known_port(redirect.scheme);
  return known != 0 ? known : listener_port;
}

void append_host(std::string& out, std::string_view host) {
  const bool v6 = host.find(':') != std::string_view::npos;
  if (v6) out += '[';
  out += host;
  if (v6) out += ']';
}

}  // namespace

void append_modified_path(std::string& out, const model::PathModifier& modifier,
                          std::string_view path, std::size_t prefix_bytes) {
  switch (modifier.kind) {
    case model::PathModifier::Kind::kNone: out += path; return;
    case model::PathModifier::Kind::kReplaceFullPath:
      if (!modifier.value.starts_with('/')) out += '/';
      out += modifier.value;
      return;
    case model::PathModifier::Kind::kReplacePrefixMatch:
      append_replaced_prefix(out, modifier.value, path.substr(std::min(prefix_bytes, path.size())));
      return;
  }
}

std::string rewritten_target(const model::Rewrite& rewrite, std::string_view path,
                             std::string_view query, bool has_query, std::size_t prefix_bytes) {
  std::string out;
  out.reserve(path.size() + query.size() + rewrite.path.value.size() + 2);
  append_modified_path(out, rewrite.path, path, prefix_bytes);
  append_query(out, query, has_query);
  return out;
}

std::string redirect_location(const model::Redirect& redirect, const RedirectRequest& request) {
  const std::string_view scheme = redirect.scheme.empty() ? request.scheme : redirect.scheme;
  const std::uint16_t port = redirect_port(redirect, request.listener_port);
  std::string out(scheme);
  out += "://";
  append_host(out, redirect.hostname.empty() ? request.host : redirect.hostname);
  if (port != 0 && port != well_known_port(scheme)) {
    out += ':';
    append_decimal(out, port);
  }
  append_modified_path(out, redirect.path, request.path, request.prefix_bytes);
  append_query(out, request.query, request.has_query);
  return out;
}

}  // namespace headgate::decide::route
