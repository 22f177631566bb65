// Any bytes as a structured field of each kind: limits hold, keys are unique, and a string that was
// read is written and read again as itself.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "wire/http/structured_field.h"

namespace {

using namespace headgate::wire::http;

void check(const SfItem& item) {
  HG_CHECK(item.parameters.size() <= kSfParametersMax, "parameters have an end");
  if (item.value.type != SfBareItem::Type::kString) return;
  std::string written;
  append_sf_string(written, item.value.text);
  const auto again = parse_sf_item(written);
  HG_CHECK(again && again->value.text == item.value.text, "a string is read as it was written");
}

void check(const std::vector<SfMember>& members, bool keyed) {
  HG_CHECK(members.size() <= kSfMembersMax, "members have an end");
  for (std::size_t i = 0; i < members.size(); ++i) {
    HG_CHECK(members[i].key.empty() != keyed, "dictionaries alone have keys");
    HG_CHECK(members[i].is_inner_list || members[i].items.size() == 1, "an item is one item");
    for (std::size_t j = 0; keyed && j < i && i < 64; ++j)
      HG_CHECK(members[i].key != members[j].key, "each key once");
    for (const SfItem& item : members[i].items) check(item);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto item = parse_sf_item(text)) check(*item);
  if (const auto list = parse_sf_list(text)) check(*list, false);
  if (const auto dictionary = parse_sf_dictionary(text)) check(*dictionary, true);
  return 0;
}
