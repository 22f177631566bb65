#pragma once
// Why an access policy refused: for the log and for counters, never for the answer.
#include <cstdint>
#include <string_view>

namespace headgate::decide::access {

enum class Reason : std::uint8_t {
  kNone,
  kAddressDenied,
  kAddressNotAllowed,
  kUrlUnsigned,
  kUrlMalformed,
  kUrlMethod,
  kUrlKeyUnknown,
  kUrlSignatureWrong,
  kUrlExpired,
  kTokenMissing,
  kTokenRepeated,
  kTokenMalformed,
  kAlgorithmRefused,
  kKeyUnknown,
  kKeysMissing,
  kSignatureWrong,
  kIssuerWrong,
  kAudienceWrong,
  kTokenExpired,
  kTokenNotYetValid,
  kClaimWrong,
  kApiKeyMissing,
  kApiKeyUnknown,
};

std::string_view to_string(Reason reason);

}  // namespace headgate::decide::access
