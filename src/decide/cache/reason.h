#pragma once
// Why a request was or was not answered from the cache, and why a response was or was not kept. The
// token goes into the detail of Cache-Status and into counters, the rule into `explain`. One table.
#include <cstdint>
#include <string_view>

namespace headgate::decide::cache {

enum class Reason : std::uint8_t {
  // A stored response is used.
  kFresh,
  kStaleWhileRevalidate,
  kStaleIfError,
  kMaxStale,
  // A stored response is not used as it stands.
  kNotStored,
  kVariantNotStored,
  kExpired,
  kMustRevalidate,
  kResponseNoCache,
  kInvalidated,
  kClockSteppedBack,
  kRequestNoCache,
  kRequestPragma,
  kRequestMaxAge,
  kRequestMinFresh,
  // The cache is left out.
  kMethod,
  kRequestContent,
  kProtocolSwitch,
  kBypassHeader,
  kBypassCookie,
  kBypassQuery,
  // A response is kept, or not.
  kStored,
  kInterim,
  kNotUnderstood,
  kNotModified,
  kPartialUnusable,
  kRequestNoStore,
  kResponseNoStore,
  kResponsePrivate,
  kAuthorization,
  kNothingAllowsIt,
  kNeverReusable,
  kSetCookie,
  kCookieHeuristic,
  kVaryStar,
  kRequestFault,
  kTooLarge,
  kTagsTooMany,
  kIncomplete,
  kNotAdmitted,
  kCount,
};

std::string_view token_of(Reason reason);  // "stale-while-revalidate"; a token of RFC 9651
std::string_view rule_of(Reason reason);   // one sentence that names the section

}  // namespace headgate::decide::cache
