#pragma once
// Content codings of responses: which of them a client takes (RFC 9110 §12.5.3), and which media
// types are worth encoding.
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace headgate::wire::content_coding {

enum class Coding : std::uint8_t { kIdentity, kGzip, kBrotli, kZstd };
inline constexpr std::size_t kCodings = 4;

std::string_view to_string(Coding coding);                  // "identity", "gzip", "br", "zstd"
std::optional<Coding> parse_coding(std::string_view name);  // case-insensitive; "x-gzip" is gzip

// The coding to send. `offered` lists what we can make, the best first; identity can always be made
// and comes after them unless the client weighs it higher. Equal weights: our order decides. A
// coding named twice counts with its lowest weight. None: the client takes nothing that we have
// (identity;q=0), the answer is 406 or identity as policy says. A malformed field names nothing
// that we could trust: identity.
std::optional<Coding> choose(std::string_view accept_encoding, std::span<const Coding> offered);

// By media type alone, parameters ignored, case-insensitive: text, JSON, XML, scripts, WebAssembly,
// SVG, uncompressed fonts. Types that are compressed already (images, video, archives, WOFF2) and
// unknown ones are not.
bool compressible(std::string_view content_type);

}  // namespace headgate::wire::content_coding
