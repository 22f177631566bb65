#pragma once
// Path modifiers, redirects and host rewrites of the Gateway API. Pure, any thread. Results append
// to or replace a string of the caller.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/route.h"

namespace headgate::decide::route {

// The path after the modifier; `prefix_bytes` as in Matched. ReplacePrefixMatch joins with exactly
// one slash whether or not the replacement ends in one, keeps a slash that ended the request's
// path, and never yields an empty path.
void append_modified_path(std::string& out, const model::PathModifier& modifier,
                          std::string_view path, std::size_t prefix_bytes);

// Path and query to forward: the target line after a rewrite.
std::string rewritten_target(const model::Rewrite& rewrite, std::string_view path,
                             std::string_view query, bool has_query, std::size_t prefix_bytes);

struct RedirectRequest {
  std::string_view scheme;  // "http" or "https"
  std::string_view host;    // without port; IPv6 without brackets
  std::uint16_t listener_port = 0;
  std::string_view path, query;
  bool has_query = false;
  std::size_t prefix_bytes = 0;
};

// An absolute URL. Port: the filter's; else the well-known one of the filter's scheme; else the
// listener's. The well-known port of the resulting scheme is left out. The query is kept.
std::string redirect_location(const model::Redirect& redirect, const RedirectRequest& request);

}  // namespace headgate::decide::route
