#include "wire/grpc/trailers_only.h"

#include "base/ascii.h"

namespace headgate::wire::grpc {

TrailersOnly::TrailersOnly(StatusCode code, std::string_view message) {
  append_decimal(code_, static_cast<std::uint64_t>(code));
  append_message(message_, message.substr(0, kErrorMessageBytesMax));
}

http::ResponseHead TrailersOnly::head() const {
  http::ResponseHead head;
  head.status = 200;
  head.version = http::Version::k2;
  head.fields.reserve(3);
  head.fields.push_back({"content-type", "application/grpc", http::FieldId::kContentType});
  head.fields.push_back({"grpc-status", code_, http::FieldId::kGrpcStatus});
  if (!message_.empty())
    head.fields.push_back({"grpc-message", message_, http::FieldId::kGrpcMessage});
  return head;
}

}  // namespace headgate::wire::grpc
