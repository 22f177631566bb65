#pragma once
// gRPC messages on the wire: the 5-byte prefix, and the two messages of the health protocol
// (grpc.health.v1) written by hand in protobuf. Views point into the input.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::wire::grpc {

inline constexpr std::size_t kPrefixBytes = 5;
inline constexpr std::size_t kHealthMessageBytesMax = 4096;

struct Message {
  enum class State : std::uint8_t { kNeedMore, kMessage, kMalformed, kTooLong };
  State state = State::kNeedMore;
  bool compressed = false;
  std::string_view payload;
  std::size_t bytes = 0;  // prefix and payload
};
// The first message of `in`; kTooLong as soon as the prefix says more than `payload_bytes_max`.
Message parse_message(std::string_view in, std::size_t payload_bytes_max);
// `payload` is shorter than 4 GiB; never compressed.
void append_framed(std::string& out, std::string_view payload);

inline constexpr std::string_view kHealthCheckPath = "/grpc.health.v1.Health/Check";
enum class Serving : std::uint8_t { kUnknown, kServing, kNotServing, kServiceUnknown };

// HealthCheckRequest {string service = 1} and HealthCheckResponse {ServingStatus status = 1},
// without the 5-byte prefix. Decoding skips unknown fields, takes the last of a repeated one, and
// refuses malformed protobuf. A status number that nobody assigned is kUnknown. The service name is
// at most 255 bytes; whether it exists is the caller's question.
void append_health_request(std::string& out, std::string_view service);
std::optional<std::string_view> parse_health_request(std::string_view payload);
void append_health_response(std::string& out, Serving serving);
std::optional<Serving> parse_health_response(std::string_view payload);

}  // namespace headgate::wire::grpc
