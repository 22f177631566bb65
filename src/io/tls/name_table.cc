#include "io/tls/name_table.h"

#include <fmt/format.h>

#include "base/ascii.h"

namespace headgate::io::tls {

namespace {
constexpr std::size_t kNameBytesMax = 253;

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax) return false;
  std::size_t label = 0;
  for (const char c : name) {
    if (c == '.' ? label == 0 : !(is_digit(c) || is_alpha(c) || c == '-' || c == '_')) return false;
    label = c == '.' ? 0 : label + 1;
    if (label > 63) return false;
  }
  return label > 0;
}
}  // namespace

Status NameTable::add(std::string_view pattern, std::uint32_t index) {
  const std::string lower = to_lower(pattern);
  const bool wildcard = lower.starts_with("*.");
  bool added = false;
  if (lower.empty()) {
    added = !any_;
    any_ = index;
  } else if (!is_host_name(wildcard ? std::string_view(lower).substr(2)
                                    : std::string_view(lower))) {
    return fail(Code::kInvalid,
                fmt::format("'{}' is neither a host name nor '*.' and a host name", pattern));
  } else {
    added = wildcard ? suffixes_.emplace(lower.substr(1), index).second
                     : exact_.emplace(lower, index).second;
  }
  if (!added) return fail(Code::kInvalid, fmt::format("host name '{}' is there twice", pattern));
  return {};
}

std::optional<std::uint32_t> NameTable::find(std::string_view name) const {
  if (const auto it = exact_.find(name); it != exact_.end()) return it->second;
  for (std::size_t dot = name.find('.', 1); dot != std::string_view::npos;
       dot = name.find('.', dot + 1)) {
    if (suffixes_.empty()) break;
    if (const auto it = suffixes_.find(name.substr(dot)); it != suffixes_.end()) return it->second;
  }
  return any_;
}

bool certificate_name_matches(std::string_view pattern, std::string_view name) {
  if (!pattern.starts_with("*.")) return pattern == name;
  const std::size_t dot = name.find('.');
  return dot != std::string_view::npos && dot > 0 && name.substr(dot) == pattern.substr(1);
}

}  // namespace headgate::io::tls
