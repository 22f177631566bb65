#pragma once
// The options of the Connection field (RFC 9110 §7.6.1). A view over the caller's fields; allocates
// nothing.
#include <string_view>

#include "wire/http/element_list.h"
#include "wire/http/field.h"

namespace headgate::wire::http {

// Calls visit(std::string_view option) for every option of every Connection field, as received,
// empty ones left out.
template <typename Visit>
void for_each_connection_option(const Fields& fields, Visit&& visit) {
  for (const Field& field : fields) {
    if (field.id != FieldId::kConnection) continue;
    ElementList options(field.value);
    for (std::string_view option; options.next(option);)
      if (!option.empty()) visit(option);
  }
}

// Whether Connection asks to remove `field` on this hop, and may: names that a client must not
// delete stay.
bool is_removed_by_connection(const Fields& fields, const Field& field);

}  // namespace headgate::wire::http
