#include "base/check.h"
#include "wire/grpc/message.h"
#include "wire/grpc/status.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate::wire::grpc;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Message message = parse_message(text, 1024);
  HG_CHECK(message.bytes <= size && message.payload.size() <= 1024, "bounded");
  for (const std::string_view payload : {text, message.payload}) {
    if (const auto service = parse_health_request(payload)) {
      std::string again;
      append_health_request(again, *service);
      HG_CHECK(parse_health_request(again) == service, "request round trip");
    }
    (void)parse_health_response(payload);
  }
  std::string encoded;
  append_message(encoded, text);
  HG_CHECK(decode_message(encoded) == text, "message round trip");
  HG_CHECK(decode_message(text).size() <= size, "decoding never grows");
  (void)parse_status(text);
  if (const auto timeout = parse_timeout(text)) {
    std::string again;
    append_timeout(again, *timeout);
    HG_CHECK(again.size() <= 9 && parse_timeout(again) >= timeout, "timeout round trip");
  }
  return 0;
}
