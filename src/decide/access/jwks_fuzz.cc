// Any text as a JWK Set: no crash, and a set that is taken has keys, each of which answers any
// signature.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "decide/access/jwks.h"

using namespace headgate::decide::access;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto set = parse_jwks(text);
  if (!set) return 0;
  if (set->keys.empty()) std::abort();
  for (const Jwk& key : set->keys)
    for (int a = 0; a <= static_cast<int>(Algorithm::kEdDsa); ++a)
      if (verify_signature(key, static_cast<Algorithm>(a), "text", text)) std::abort();
  return 0;
}
