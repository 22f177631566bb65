#include "wire/uri/reference.h"

#include <algorithm>

#include "base/ascii.h"

namespace headgate::wire::uri {
namespace {

bool is_scheme_char(char c) {
  return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
}

// "name:" at the front; empty when there is none.
std::string_view take_scheme(std::string_view& text) {
  if (text.empty() || !is_alpha(text.front())) return {};
  const auto end = std::find_if_not(text.begin(), text.end(), is_scheme_char);
  if (end == text.end() || *end != ':') return {};
  const std::string_view scheme = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(scheme.size() + 1);
  return scheme;
}

bool is_http(std::string_view scheme) {
  return equals_ignore_case(scheme, "http") || equals_ignore_case(scheme, "https");
}

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

// §5.2.3: the base path up to its last slash, then the reference.
std::string_view merge(std::string_view reference, std::string_view base, std::string& storage) {
  const std::string_view path = path_of(base);
  const std::size_t slash = path.rfind('/');
  storage.assign(slash == std::string_view::npos ? "/" : path.substr(0, slash + 1));
  storage += reference;
  return storage;
}

std::string_view target_of(std::string_view reference, std::string_view base,
                           std::string& storage) {
  if (reference.empty()) return base;
  if (reference.front() == '/') return reference;
  if (reference.front() != '?') return merge(reference, base, storage);
  storage.assign(path_of(base));
  storage += reference;
  return storage;
}

}  // namespace

std::optional<Reference> resolve_reference(std::string_view reference, std::string_view base_target,
                                           std::string& storage) {
  reference = reference.substr(0, reference.find('#'));
  Reference out;
  out.scheme = take_scheme(reference);
  const bool has_authority = reference.starts_with("//");
  if (!out.scheme.empty() && (!is_http(out.scheme) || !has_authority)) return std::nullopt;
  if (has_authority) {
    reference.remove_prefix(2);
    out.authority = reference.substr(0, reference.find_first_of("/?"));
    if (out.authority.empty()) return std::nullopt;
    reference.remove_prefix(out.authority.size());
    out.target = reference.empty() ? "/" : reference;
    return out;
  }
  out.target = target_of(reference, base_target, storage);
  return out;
}

}  // namespace headgate::wire::uri
