#pragma once
// HTTP/2 error codes (RFC 9113 §7), as carried by RST_STREAM and GOAWAY, and the stream number
// type.
#include <cstdint>
#include <string_view>

namespace headgate::wire::http2 {

using StreamId = std::int32_t;  // odd for requests; 0 is the connection

enum class ErrorCode : std::uint32_t {
  kNoError = 0x0,
  kProtocolError = 0x1,
  kInternalError = 0x2,
  kFlowControlError = 0x3,
  kSettingsTimeout = 0x4,
  kStreamClosed = 0x5,
  kFrameSizeError = 0x6,
  kRefusedStream = 0x7,
  kCancel = 0x8,
  kCompressionError = 0x9,
  kConnectError = 0xa,
  kEnhanceYourCalm = 0xb,
  kInadequateSecurity = 0xc,
  kHttp11Required = 0xd,
};

// The RFC's name, "UNKNOWN" for a number without one.
std::string_view to_string(ErrorCode code);

}  // namespace headgate::wire::http2
