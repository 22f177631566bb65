// Any bytes as a key and as a variant key read back from a disk: views stay inside of them, what is
// damaged matches nothing, and a key made of any path and query is read as these.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "decide/cache/key.h"
#include "decide/cache/parts.h"
#include "decide/cache/vary.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate;
  using namespace headgate::decide::cache;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::string_view all = text;
  Parts parts(text);
  std::size_t used = 0;
  char tag = 0;
  for (std::string_view part; parts.next(tag, part);) used += 5 + part.size();
  HG_CHECK(parts.is_sound() == (used == size), "sound parts are all of the bytes");
  if (const auto view = read_key(text)) {
    std::string shown;
    append_key_text(shown, *view);
    HG_CHECK(shown.starts_with(view->locator), "a key is shown");
  }
  const wire::http::Fields request = {
      {"accept-encoding", all, wire::http::FieldId::kAcceptEncoding},
      {"x-a", all, wire::http::FieldId::kOther}};
  std::string scratch, like;
  const bool is_match = matches_variant(text, request, scratch);
  HG_CHECK(!is_match || parts.is_sound(), "damage matches nothing");
  const wire::http::Fields response = {
      {"vary", "x-a, accept-encoding", wire::http::FieldId::kVary}};
  append_variant_key(like, response, request);
  HG_CHECK(matches_variant(like, request, scratch), "a request selects its own response");

  KeyBuilder builder({1, 2});
  model::CachePolicy policy;
  policy.key.query = model::CacheKeyPolicy::Query::kExcept;
  policy.key.query_names = {"a*"};
  policy.key.query_sorted = true;
  const auto key = builder.build({"https", "h", 1, all, {all, true}, 0}, request, policy);
  const auto again = read_key(key.bytes);
  HG_CHECK(again && again->locator == "https://h:1" + text, "the locator is read as made");
  HG_CHECK(key.locator() == again->locator, "the key says where its locator lies");
  HG_CHECK(again->query.text == key.query.text, "the query is read as made");
  HG_CHECK(key.query.text.size() <= size, "a filter adds nothing");
  return 0;
}
