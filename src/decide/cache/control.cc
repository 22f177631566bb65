#include "decide/cache/control.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "wire/http/targeted_control.h"

namespace headgate::decide::cache {
namespace {

using wire::http::CacheControl;
using wire::http::Directive;
using wire::http::FieldId;

constexpr FieldId kNeededForReuse[] = {
    FieldId::kAge,           FieldId::kCacheControl, FieldId::kCdnCacheControl,
    FieldId::kContentLength, FieldId::kContentRange, FieldId::kContentEncoding,
    FieldId::kContentType,   FieldId::kDate,         FieldId::kEtag,
    FieldId::kExpires,       FieldId::kLastModified, FieldId::kVary,
};

// Surrogate-Control (the W3C note "Edge Architecture Specification"): directives of its own, of
// which these matter: max-age=FRESH+STALE, no-store and no-store-remote.
void apply_surrogate(CacheControl& control, Directive directive) {
  if (equals_ignore_case(directive.name, "no-store-remote")) directive.name = "no-store";
  apply(control, directive);
}

// "max-age=60+30" holds no token: the directive is split before it is parsed.
void read_surrogate_line(CacheControl& control, std::string_view line) {
  while (!line.empty()) {
    std::string_view element = trim_ows(take_until(line, ','));
    const std::size_t plus = element.find('+');
    if (plus != std::string_view::npos && equals_ignore_case(element.substr(0, 8), "max-age=")) {
      const auto stale = wire::http::parse_delta_seconds(element.substr(plus + 1));
      control.stale_while_revalidate.add(stale);
      element = element.substr(0, plus);
    }
    wire::http::Directives directives(element);
    for (Directive directive; directives.next(directive);) apply_surrogate(control, directive);
  }
}

bool read_surrogate(CacheControl& control, const wire::http::Fields& response) {
  for (const auto& field : response) {
    if (field.id != FieldId::kSurrogateControl) continue;
    control.is_present = true;
    read_surrogate_line(control, field.value);
  }
  return control.max_age.is_present() || control.no_store;
}

}  // namespace

Governing governing_control(const wire::http::Fields& response, const model::CachePolicy& policy) {
  Governing governing;
  if (policy.surrogate_control && read_surrogate(governing.directives, response)) {
    governing.is_targeted = true;
    return governing;
  }
  for (const std::string& name : policy.targeted_fields) {
    auto targeted = wire::http::parse_targeted_control(response, name);
    if (!targeted) continue;
    governing.directives = targeted->control;
    governing.members = std::move(targeted->members);
    governing.is_targeted = true;
    return governing;
  }
  governing.directives = wire::http::parse_cache_control(response);
  return governing;
}

bool covers_whole_response(const wire::http::FieldScope& scope) {
  return scope.is_whole() ||
         std::any_of(std::begin(kNeededForReuse), std::end(kNeededForReuse),
                     [&](FieldId id) { return scope.names(wire::http::name_of(id)); });
}

}  // namespace headgate::decide::cache
