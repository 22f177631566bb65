#include "wire/http/cache_control.h"

#include <algorithm>

#include "base/ascii.h"
#include "wire/http/element_list.h"
#include "wire/http/text.h"

namespace headgate::wire::http {
namespace {

enum class Name : std::uint8_t {
  kMaxAge,
  kSMaxage,
  kStaleWhileRevalidate,
  kStaleIfError,
  kMinFresh,
  kMaxStale,
  kNoCache,
  kPrivate,
  kNoStore,
  kNoTransform,
  kMustRevalidate,
  kProxyRevalidate,
  kPublic,
  kOnlyIfCached,
  kMustUnderstand,
  kImmutable,
  kUnknown,
};

// In the order of Name.
constexpr std::string_view kNames[] = {
    "max-age",        "s-maxage",        "stale-while-revalidate",
    "stale-if-error", "min-fresh",       "max-stale",
    "no-cache",       "private",         "no-store",
    "no-transform",   "must-revalidate", "proxy-revalidate",
    "public",         "only-if-cached",  "must-understand",
    "immutable"};
static_assert(std::size(kNames) == static_cast<std::size_t>(Name::kUnknown));

Name name_of(std::string_view text) {
  for (std::size_t i = 0; i < std::size(kNames); ++i)
    if (equals_ignore_case(text, kNames[i])) return static_cast<Name>(i);
  return Name::kUnknown;
}

std::optional<std::uint32_t> seconds_of(const Directive& directive) {
  if (!directive.is_clean || !directive.argument) return std::nullopt;
  return parse_delta_seconds(*directive.argument);
}

void add_scope(FieldScope& scope, const Directive& directive) {
  if (directive.is_clean && directive.argument)
    scope.add_names(*directive.argument);
  else
    scope.add_whole();
}

void add_max_stale(CacheControl& into, const Directive& directive) {
  if (directive.is_clean && !directive.argument)
    into.max_stale_any = true;
  else
    into.max_stale.add(seconds_of(directive));
}

bool is_bare(const Directive& directive) { return directive.is_clean && !directive.argument; }

}  // namespace

std::optional<std::uint32_t> parse_delta_seconds(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    value =
        std::min<std::uint64_t>(value * 10 + static_cast<std::uint64_t>(c - '0'), kDeltaSecondsMax);
  }
  return static_cast<std::uint32_t>(value);
}

void DeltaSeconds::add(std::optional<std::uint32_t> value) {
  if (!value) {
    state = State::kInvalid;
    seconds = 0;
  } else if (state == State::kAbsent) {
    state = State::kValid;
    seconds = *value;
  }
}

bool FieldScope::names(std::string_view field) const {
  if (whole_) return false;
  for (std::size_t i = 0; i < count_; ++i) {
    ElementList list(lists_[i]);
    for (std::string_view name; list.next(name);)
      if (equals_ignore_case(name, field)) return true;
  }
  return false;
}

void FieldScope::add_names(std::string_view list) {
  ElementList elements(list);
  bool any = false;
  for (std::string_view name; elements.next(name);) {
    if (name.empty()) continue;
    any = true;
    whole_ = whole_ || !is_token(name);
  }
  whole_ = whole_ || !any || count_ == kListsMax;
  if (!whole_) lists_[count_++] = list;
}

// Junk has no quotes: a restricting directive behind a stray one is still seen.
void Directives::skip_to_comma(bool& is_clean) {
  is_clean = trim_ows(take_until(rest_, ',')).empty() && is_clean;
}

// A value with a backslash is given out as it stands: no argument that matters has one.
std::optional<std::string_view> Directives::take_argument(bool& is_clean) {
  if (!rest_.starts_with('"')) {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_token_char);
    const auto size = static_cast<std::size_t>(end - rest_.begin());
    const std::string_view value = rest_.substr(0, size);
    rest_.remove_prefix(size);
    is_clean = is_clean && size > 0;
    return value;
  }
  for (std::size_t at = 1; at < rest_.size(); ++at) {
    if (rest_[at] == '\\') {
      ++at;
    } else if (rest_[at] == '"') {
      const std::string_view value = rest_.substr(1, at - 1);
      rest_.remove_prefix(at + 1);
      return value;
    }
  }
  is_clean = false;
  return std::string_view();
}

bool Directives::next(Directive& out) {
  while (!rest_.empty()) {
    const auto begin = rest_.find_first_not_of(" \t,");
    rest_.remove_prefix(std::min(begin, rest_.size()));
    if (rest_.empty()) return false;
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_token_char);
    const auto size = static_cast<std::size_t>(end - rest_.begin());
    out = {rest_.substr(0, size), std::nullopt, true};
    rest_.remove_prefix(size);
    if (rest_.starts_with('=')) {
      rest_.remove_prefix(1);
      out.argument = take_argument(out.is_clean);
    }
    skip_to_comma(out.is_clean);
    if (!out.name.empty()) return true;
  }
  return false;
}

void apply(CacheControl& into, const Directive& directive) {
  switch (name_of(directive.name)) {
    case Name::kMaxAge: return into.max_age.add(seconds_of(directive));
    case Name::kSMaxage: return into.s_maxage.add(seconds_of(directive));
    case Name::kStaleWhileRevalidate: return into.stale_while_revalidate.add(seconds_of(directive));
    case Name::kStaleIfError: return into.stale_if_error.add(seconds_of(directive));
    case Name::kMinFresh: return into.min_fresh.add(seconds_of(directive));
    case Name::kMaxStale: return add_max_stale(into, directive);
    case Name::kNoCache: return add_scope(into.no_cache, directive);
    case Name::kPrivate: return add_scope(into.is_private, directive);
    case Name::kNoStore: into.no_store = true; return;
    case Name::kNoTransform: into.no_transform = true; return;
    case Name::kMustRevalidate: into.must_revalidate = true; return;
    case Name::kProxyRevalidate: into.proxy_revalidate = true; return;
    case Name::kPublic: into.is_public = into.is_public || is_bare(directive); return;
    case Name::kOnlyIfCached:
      into.only_if_cached = into.only_if_cached || is_bare(directive);
      return;
    case Name::kMustUnderstand:
      into.must_understand = into.must_understand || is_bare(directive);
      return;
    case Name::kImmutable: into.immutable = into.immutable || is_bare(directive); return;
    case Name::kUnknown: return;
  }
}

CacheControl parse_cache_control(const Fields& fields) {
  CacheControl control;
  for (const Field& field : fields) {
    if (field.id != FieldId::kCacheControl) continue;
    control.is_present = true;
    Directives directives(field.value);
    for (Directive directive; directives.next(directive);) apply(control, directive);
  }
  return control;
}

}  // namespace headgate::wire::http
