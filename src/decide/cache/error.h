#pragma once
// The origin failed while a stored response was validated or fetched anew: what is answered (RFC
// 5861 §4, RFC 9111 §4.3.3, §5.2.2.2). Pure.
#include "decide/cache/reuse.h"

namespace headgate::decide::cache {

enum class ErrorUse : std::uint8_t {
  kServeStale,      // from what is stored, with Reason::kStaleIfError
  kPassOn,          // the origin's error, or our own 502 or 504
  kGatewayTimeout,  // 504: the origin is out of reach and must-revalidate forbids what is stored
};

// `status`: what the origin answered; 0 when no answer came.
ErrorUse decide_error(int status, const model::StoredResponse& stored, Mark mark,
                      const RequestFacts& request, const model::CachePolicy& policy, WallTime now);

}  // namespace headgate::decide::cache
