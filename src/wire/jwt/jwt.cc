#include "wire/jwt/jwt.h"

#include <algorithm>

#include "base/ascii.h"
#include "wire/base64/base64.h"

namespace headgate::wire::jwt {
namespace {

std::unexpected<Error> refuse(const char* message) {
  return fail(Code::kInvalid, message, Source::kClient);
}

std::optional<std::string> decode_object(std::string_view part) {
  auto text = base64::decode_url(part);
  if (!text || !text->starts_with('{') || !text->ends_with('}')) return std::nullopt;
  return text;
}

}  // namespace

Result<Token> parse(std::string_view compact) {
  if (compact.size() > kTokenBytesMax) return refuse("token: longer than 8192 bytes");
  if (std::ranges::count(compact, '.') != 2) return refuse("token: not three parts");
  std::string_view rest = compact;
  const std::string_view header = take_until(rest, '.'), claims = take_until(rest, '.');
  if (header.size() > kHeaderBytesMax) return refuse("token: header longer than 2048 bytes");
  if (rest.size() > kSignatureBytesMax) return refuse("token: signature longer than 2048 bytes");
  auto header_json = decode_object(header);
  if (!header_json) return refuse("token: header is no base64url of an object");
  auto claims_json = decode_object(claims);
  if (!claims_json) return refuse("token: claims are no base64url of an object");
  auto signature = base64::decode_url(rest);
  if (!signature || signature->empty())
    return refuse("token: signature is missing or no base64url");
  return Token{std::move(*header_json), std::move(*claims_json), std::move(*signature),
               compact.substr(0, header.size() + 1 + claims.size())};
}

std::optional<std::string_view> bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  if (!equals_ignore_case(authorization.substr(0, kScheme.size()), kScheme)) return std::nullopt;
  std::string_view token = authorization.substr(kScheme.size());
  while (token.starts_with(' ')) token.remove_prefix(1);
  if (token.empty() || token.find_first_of(" \t,") != std::string_view::npos) return std::nullopt;
  return token;
}

}  // namespace headgate::wire::jwt
