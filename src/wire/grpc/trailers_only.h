#pragma once
// An error answered to a gRPC client: HTTP 200, no body, the status among the only fields
// ("Trailers-Only"). Holds the text of its fields; the head it gives lives no longer than it does.
#include <string>
#include <string_view>

#include "wire/grpc/status.h"
#include "wire/http/message.h"

namespace headgate::wire::grpc {

inline constexpr std::size_t kErrorMessageBytesMax = 1024;  // before encoding; the rest is cut off

class TrailersOnly {
 public:
  TrailersOnly(StatusCode code, std::string_view message);
  // Ends the stream; framing is kNone.
  http::ResponseHead head() const;

 private:
  std::string code_;
  std::string message_;
};

}  // namespace headgate::wire::grpc
