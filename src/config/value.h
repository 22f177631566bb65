#pragma once
// Reads fields of a validated object. An absent field gives the fallback; a wrong type cannot
// happen after `validate`.
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "config/yaml.h"
#include "wire/ip/address.h"

namespace headgate::config {

const Json* find(const Json& object, std::string_view name);   // nullptr: absent
const Json& at(const Json& object, std::string_view name);     // absent: an empty object
const Json& items(const Json& object, std::string_view name);  // absent: an empty list
std::string_view text_of(const Json& object, std::string_view name, std::string_view fallback = {});
std::int64_t integer_of(const Json& object, std::string_view name, std::int64_t fallback = 0);
double number_of(const Json& object, std::string_view name, double fallback = 0);
bool boolean_of(const Json& object, std::string_view name, bool fallback = false);
Duration duration_of(const Json& object, std::string_view name,
                     Duration fallback = Duration::zero());
std::vector<std::string> texts_of(const Json& object, std::string_view name);
std::vector<std::string> lower_texts_of(const Json& object, std::string_view name);
std::vector<wire::ip::Prefix> prefixes_of(const Json& object, std::string_view name);

// Fields of the model are narrower than int64; the schema's range has made sure that the value
// fits.
template <typename T>
T whole_of(const Json& object, std::string_view name, T fallback = 0) {
  return static_cast<T>(integer_of(object, name, static_cast<std::int64_t>(fallback)));
}

}  // namespace headgate::config
