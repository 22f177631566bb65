#include "base/check.h"
#include "wire/cookie/cookie.h"

// First byte: length of the name; then the name; then the field value.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate::wire::cookie;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string_view name = text.substr(0, data[0]);
  const std::string_view field = text.substr(name.size());
  std::string out;
  append_without(out, field, name);
  HG_CHECK(out.size() <= 2 * field.size(), "only separators may be added");
  if (!name.empty()) HG_CHECK(!find(out, name), "removed");
  out.clear();
  if (append_set_cookie(out, {.name = name, .value = field})) {
    HG_CHECK(out.find_first_of("\r\n;") == std::string::npos, "one field, one pair");
    HG_CHECK(find(out, name) == field, "reads back");
  }
  return 0;
}
