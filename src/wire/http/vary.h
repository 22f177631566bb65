#pragma once
// The names in Vary (RFC 9110 §12.5.5). Views over the caller's fields; allocates nothing.
#include <string_view>

#include "wire/http/element_list.h"
#include "wire/http/field.h"
#include "wire/http/text.h"

namespace headgate::wire::http {

// Calls visit(std::string_view name) for every name in every Vary field, as received, empty ones
// left out. "*" and what is no field name are given out too.
template <typename Visit>
void for_each_vary_name(const Fields& fields, Visit&& visit) {
  for (const Field& field : fields) {
    if (field.id != FieldId::kVary) continue;
    ElementList names(field.value);
    for (std::string_view name; names.next(name);)
      if (!name.empty()) visit(name);
  }
}

// "*", or what cannot be read as a name: no request is known to select the response again.
inline bool varies_on_everything(const Fields& fields) {
  bool found = false;
  for_each_vary_name(
      fields, [&](std::string_view name) { found = found || name == "*" || !is_token(name); });
  return found;
}

}  // namespace headgate::wire::http
