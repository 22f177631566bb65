#include "decide/cache/vary.h"

#include <algorithm>
#include <vector>

#include "base/ascii.h"
#include "decide/cache/normalise.h"
#include "decide/cache/parts.h"
#include "wire/http/vary.h"

namespace headgate::decide::cache {
namespace {

using wire::http::Fields;

// A key is a name, then its value or its absence, for each name once and in order.
constexpr char kName = 'n', kValue = 'v', kAbsent = 'a';

void append_value(std::string& out, const Fields& request, std::string_view name) {
  std::string value;
  const bool is_there = append_normalised(value, request, name);
  append_part(out, is_there ? kValue : kAbsent, value);
}

}  // namespace

void append_variant_key(std::string& out, const Fields& response, const Fields& request) {
  std::vector<std::string> names;
  wire::http::for_each_vary_name(response,
                                 [&](std::string_view name) { names.push_back(to_lower(name)); });
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  for (const std::string& name : names) {
    append_part(out, kName, name);
    append_value(out, request, name);
  }
}

void append_key_like(std::string& out, std::string_view like, const Fields& request) {
  Parts parts(like);
  char tag = 0;
  for (std::string_view text; parts.next(tag, text);) {
    if (tag != kName) continue;
    append_part(out, kName, text);
    append_value(out, request, text);
  }
}

bool matches_variant(std::string_view key, const Fields& request, std::string& scratch) {
  Parts parts(key);
  char tag = 0;
  for (std::string_view name, value; parts.next(tag, name);) {
    if (tag != kName || !parts.next(tag, value)) return false;
    scratch.clear();
    const bool is_there = append_normalised(scratch, request, name);
    if (is_there != (tag == kValue) || scratch != value) return false;
  }
  return parts.is_sound();
}

std::optional<std::size_t> select_variant(std::span<const Variant> variants, const Fields& request,
                                          std::string& scratch) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < variants.size(); ++i) {
    if (best && variants[i].date_s <= variants[*best].date_s) continue;
    if (matches_variant(variants[i].key, request, scratch)) best = i;
  }
  return best;
}

}  // namespace headgate::decide::cache
