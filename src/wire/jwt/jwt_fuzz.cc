#include <cstdint>

#include "base/check.h"
#include "wire/base64/base64.h"
#include "wire/jwt/jwt.h"

// Decoded parts make the same token again: one token, one text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate::wire;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)jwt::bearer_token(text);
  const auto token = jwt::parse(text);
  if (!token) return 0;
  const std::string signed_part =
      base64::encode_url(token->header_json) + "." + base64::encode_url(token->claims_json);
  HG_CHECK(signed_part == token->signing_input, "what is signed");
  HG_CHECK(signed_part + "." + base64::encode_url(token->signature) == text, "the whole");
  return 0;
}
