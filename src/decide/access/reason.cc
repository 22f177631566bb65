#include "decide/access/reason.h"

namespace headgate::decide::access {

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::kNone: return "none";
    case Reason::kAddressDenied: return "address_denied";
    case Reason::kAddressNotAllowed: return "address_not_allowed";
    case Reason::kUrlUnsigned: return "url_unsigned";
    case Reason::kUrlMalformed: return "url_malformed";
    case Reason::kUrlMethod: return "url_method";
    case Reason::kUrlKeyUnknown: return "url_key_unknown";
    case Reason::kUrlSignatureWrong: return "url_signature_wrong";
    case Reason::kUrlExpired: return "url_expired";
    case Reason::kTokenMissing: return "token_missing";
    case Reason::kTokenRepeated: return "token_repeated";
    case Reason::kTokenMalformed: return "token_malformed";
    case Reason::kAlgorithmRefused: return "algorithm_refused";
    case Reason::kKeyUnknown: return "key_unknown";
    case Reason::kKeysMissing: return "keys_missing";
    case Reason::kSignatureWrong: return "signature_wrong";
    case Reason::kIssuerWrong: return "issuer_wrong";
    case Reason::kAudienceWrong: return "audience_wrong";
    case Reason::kTokenExpired: return "token_expired";
    case Reason::kTokenNotYetValid: return "token_not_yet_valid";
    case Reason::kClaimWrong: return "claim_wrong";
    case Reason::kApiKeyMissing: return "api_key_missing";
    case Reason::kApiKeyUnknown: return "api_key_unknown";
  }
  return "none";
}

}  // namespace headgate::decide::access
