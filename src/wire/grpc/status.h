#pragma once
// gRPC status codes, the text of grpc-message and grpc-timeout, and how HTTP failures map to gRPC
// ones. "gRPC over HTTP2" and "HTTP to gRPC Status Code Mapping" of the gRPC documentation are the
// references.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace headgate::wire::grpc {

enum class StatusCode : std::uint8_t {
  kOk,
  kCancelled,
  kUnknown,
  kInvalidArgument,
  kDeadlineExceeded,
  kNotFound,
  kAlreadyExists,
  kPermissionDenied,
  kResourceExhausted,
  kFailedPrecondition,
  kAborted,
  kOutOfRange,
  kUnimplemented,
  kInternal,
  kUnavailable,
  kDataLoss,
  kUnauthenticated,
};
inline constexpr int kStatusCodes = 17;

std::string_view name_of(StatusCode code);  // "DEADLINE_EXCEEDED"
std::optional<StatusCode> status_by_name(
    std::string_view name);  // upper case, as configurations write it
// "0".."16" without leading zeros; a number that is none of them is kUnknown, text that is no
// number is none.
std::optional<StatusCode> parse_status(std::string_view text);
// What a client must take an HTTP status for when no grpc-status came.
StatusCode status_of_http(int http_status);

// "application/grpc", alone or with "+proto", "+json" or parameters. Not application/grpc-web.
bool is_grpc(std::string_view content_type);

// Percent-encodes what is not printable ASCII, and '%' itself. Decoding never fails: what is no
// escape stays as it is.
void append_message(std::string& out, std::string_view text);
std::string decode_message(std::string_view encoded);

// grpc-timeout: 1-8 digits and one of H M S m u n. Saturates at the longest Duration.
std::optional<Duration> parse_timeout(std::string_view text);
// The finest unit that fits eight digits, rounded up so that the peer's deadline is never before
// ours; negative counts as zero.
void append_timeout(std::string& out, Duration timeout);

}  // namespace headgate::wire::grpc
