#pragma once
// A targeted Cache-Control field such as CDN-Cache-Control (RFC 9213 §2): a structured dictionary
// whose members are cache directives. Pure, any thread.
#include <optional>
#include <string_view>
#include <vector>

#include "wire/http/cache_control.h"
#include "wire/http/structured_field.h"

namespace headgate::wire::http {

// Owns the text that `control` views; so it moves but does not copy.
struct TargetedControl {
  CacheControl control;
  std::vector<SfMember> members;

  TargetedControl() = default;
  TargetedControl(TargetedControl&&) = default;
  TargetedControl& operator=(TargetedControl&&) = default;
};

// All lines of the field `name`, joined. None when it is absent, empty or cannot be parsed: then it
// counts for nothing (§2.1). A number that is no non-negative integer makes its directive invalid;
// a member with the value ?0 is not there; parameters are ignored.
std::optional<TargetedControl> parse_targeted_control(const Fields& fields, std::string_view name);

}  // namespace headgate::wire::http
