#include "roles/proxy/response_filter.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"

namespace headgate::proxy {

namespace coding = wire::content_coding;
namespace http = wire::http;
using coding::Coding;
using http::FieldId;

namespace {

bool type_allowed(const model::CompressionPolicy& policy, std::string_view content_type) {
  if (policy.content_types.empty()) return coding::compressible(content_type);
  const std::string_view type = trim_ows(content_type.substr(0, content_type.find(';')));
  return std::any_of(policy.content_types.begin(), policy.content_types.end(),
                     [&](const std::string& allowed) { return equals_ignore_case(allowed, type); });
}

// A strong validator or a range speaks of exact bytes; no-transform forbids it (RFC 9110 §7.7).
bool may_transform(const http::ResponseHead& response) {
  if (response.status < 200 || response.status == 206 || http::has_no_body(response.status)) return false;
  if (http::find(response.fields, FieldId::kContentEncoding) || http::find(response.fields, FieldId::kContentRange)) return false;
  const http::Field* control = http::find(response.fields, FieldId::kCacheControl);
  return !control || control->value.find("no-transform") == std::string_view::npos;
}

}  // namespace

std::unique_ptr<coding::Encoder> EncoderStore::take(Coding chosen) {
  if (live_ >= kLiveMax) return nullptr;
  auto& kept = kept_[static_cast<std::size_t>(chosen)];
  std::unique_ptr<coding::Encoder> encoder;
  if (!kept.empty()) {
    encoder = std::move(kept.back());
    kept.pop_back();
  } else if (auto made = coding::Encoder::make(chosen)) {
    encoder = std::make_unique<coding::Encoder>(std::move(*made));
  }
  if (encoder) ++live_;
  return encoder;
}

void EncoderStore::give_back(std::unique_ptr<coding::Encoder> encoder) {
  --live_;
  auto& kept = kept_[static_cast<std::size_t>(encoder->coding())];
  if (kept.size() < kKeptMax && encoder->reset()) kept.push_back(std::move(encoder));
}

bool ResponseFilter::append(std::string_view bytes, bool end, std::string& out) {
  return encoder_->append(bytes, end, coding::Flush::kBlock, out).has_value();
}

Coding choose_coding(const model::CompressionPolicy& policy, const http::RequestHead& request,
                     const http::ResponseHead& response, bool& varies) {
  varies = false;
  if (!compresses(policy)) return Coding::kIdentity;
  if (!may_transform(response)) return Coding::kIdentity;
  if (response.framing.has_length && response.framing.length < policy.bytes_min) return Coding::kIdentity;
  const http::Field* type = http::find(response.fields, FieldId::kContentType);
  if (!type || !type_allowed(policy, type->value)) return Coding::kIdentity;
  varies = true;
  const http::Field* accept = http::find(request.fields, FieldId::kAcceptEncoding);
  if (!accept) return Coding::kIdentity;
  std::array<Coding, 3> offered;
  std::size_t count = 0;
  if (policy.zstd) offered[count++] = Coding::kZstd;
  if (policy.brotli) offered[count++] = Coding::kBrotli;
  if (policy.gzip) offered[count++] = Coding::kGzip;
  return coding::choose(accept->value, {offered.data(), count}).value_or(Coding::kIdentity);
}

}  // namespace headgate::proxy
