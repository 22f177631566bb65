#pragma once
// One form for values of a request field that mean the same (RFC 9111 §4.1), so that they share a
// variant and a key. What cannot be read, and fields of no known form, stay as they are: two forms
// of one value cost a miss, one form of two values would be a wrong answer. Pure.
#include <string>
#include <string_view>

#include "wire/http/field.h"

namespace headgate::decide::cache {

// Appends the value of all lines of the field. False, with nothing appended, when it is absent.
//   Accept-Encoding: codings in lower case, the most wanted first, by name among equals; a coding
//     that is refused stands only where it says something. Weights count by their order alone.
//   Accept, Accept-Language, Accept-Charset: white space gone, names in lower case, weights in
//     thousandths; the order stays.
//   Others: the lines joined.
// Allocates nothing when `out` has room.
bool append_normalised(std::string& out, const wire::http::Fields& request, std::string_view name);

}  // namespace headgate::decide::cache
