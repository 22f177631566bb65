#pragma once
// Content coding of a response on its way out: chosen by negotiation, streaming, flushed with every piece so that nothing
// that the origin sent is held back. Worker thread, one per response.
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/policy.h"
#include "wire/content_coding/coding.h"
#include "wire/content_coding/encoder.h"
#include "wire/http/message.h"

namespace headgate::proxy {

// The encoders of one worker. Each holds up to 2 MB (wire/content_coding), so few are kept and not many live at once: when
// all are in use, responses go out as they are.
class EncoderStore {
 public:
  static constexpr std::size_t kLiveMax = 64;
  static constexpr std::size_t kKeptMax = 4;  // of each coding
  std::unique_ptr<wire::content_coding::Encoder> take(wire::content_coding::Coding coding);
  void give_back(std::unique_ptr<wire::content_coding::Encoder> encoder);

 private:
  std::array<std::vector<std::unique_ptr<wire::content_coding::Encoder>>, wire::content_coding::kCodings> kept_;
  std::size_t live_ = 0;
};

class ResponseFilter {
 public:
  ResponseFilter(EncoderStore& store, std::unique_ptr<wire::content_coding::Encoder> encoder)
      : store_(store), encoder_(std::move(encoder)) {}
  ~ResponseFilter() { store_.give_back(std::move(encoder_)); }
  // False: the encoder failed (out of memory); the response must be cut.
  bool append(std::string_view bytes, bool end, std::string& out);

 private:
  EncoderStore& store_;
  std::unique_ptr<wire::content_coding::Encoder> encoder_;
};

// Whether any response is coded.
inline bool compresses(const model::CompressionPolicy& policy) {
  return policy.gzip || policy.brotli || policy.zstd;
}

// Identity unless the policy, the request and the response all allow another coding. `varies` is set when the answer depends
// on Accept-Encoding, whatever was chosen.
wire::content_coding::Coding choose_coding(const model::CompressionPolicy& policy, const wire::http::RequestHead& request,
                                           const wire::http::ResponseHead& response, bool& varies);

}  // namespace headgate::proxy
