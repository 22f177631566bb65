#pragma once
// What an operator's client may cost the control thread. Beyond a limit: the answer named beside
// it.
#include <cstddef>

#include "base/time.h"
#include "wire/http1/limits.h"

namespace headgate::observe {

inline constexpr std::size_t kConnectionsMax =
    16;  // the longest idle one is closed; none idle: 503 and close
inline constexpr wire::http1::HeadLimits kHeadLimits{
    .head_bytes_max = 8192, .target_bytes_max = 6144, .fields_max = 64};
inline constexpr std::size_t kBodyBytesMax = 32 << 10;  // of a POST: 413 and close
inline constexpr Duration kRequestTimeout =
    10s;  // accept or first byte to the end of the request: closed
inline constexpr Duration kLastRequestTimeout = 1s;  // for a request, once the port is given up
inline constexpr Duration kReplyTimeout = 30s;       // a page that answers later did not: closed
inline constexpr Duration kIdleTimeout = 60s;        // between requests: closed
inline constexpr Duration kStallTimeout = 30s;       // no byte of an answer could be sent: closed
inline constexpr Duration kAcceptPause = 100ms;      // after running out of descriptors

static_assert(kHeadLimits.head_bytes_max >= wire::http1::kHeadBytesFloor);

}  // namespace headgate::observe
