#include "wire/content_coding/coding.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "wire/quality/quality.h"

namespace headgate::wire::content_coding {
namespace {

constexpr std::array<std::string_view, kCodings> kNames = {"identity", "gzip", "br", "zstd"};

constexpr int kUnnamed = -1;

// Weights by coding, in thousandths; kUnnamed when neither the coding nor "*" stands in the field.
struct Weights {
  std::array<int, kCodings> of;
  bool malformed = false;
};

Weights read_weights(std::string_view accept_encoding) {
  Weights weights;
  weights.of.fill(kUnnamed);
  int star = kUnnamed;
  const auto lower = [](int& held, int weight) {
    held = held == kUnnamed ? weight : std::min(held, weight);
  };
  quality::List list(accept_encoding);
  while (const auto element = list.next()) {
    if (element->value == "*") lower(star, element->weight);
    if (const auto coding = parse_coding(element->value))
      lower(weights.of[static_cast<std::size_t>(*coding)], element->weight);
  }
  for (int& weight : weights.of)
    if (weight == kUnnamed) weight = star;
  weights.malformed = list.malformed();
  return weights;
}

struct Types {
  std::string_view top;
  std::span<const std::string_view> subtypes;
};

// Sorted by use, not by name: the table is short and read once a response.
constexpr std::string_view kApplication[] = {"json",
                                             "javascript",
                                             "xml",
                                             "wasm",
                                             "manifest+json",
                                             "x-javascript",
                                             "ecmascript",
                                             "x-ndjson",
                                             "jsonl",
                                             "yaml",
                                             "graphql",
                                             "rtf",
                                             "toml",
                                             "sql",
                                             "x-sh",
                                             "postscript",
                                             "x-www-form-urlencoded",
                                             "vnd.ms-fontobject",
                                             "x-font-ttf",
                                             "x-font-opentype",
                                             "typescript",
                                             "vnd.apple.mpegurl",
                                             "x-mpegurl",
                                             "dns-json"};
constexpr std::string_view kFont[] = {"ttf", "otf", "sfnt", "collection", "opentype"};
constexpr std::string_view kImage[] = {"svg+xml", "bmp", "x-icon", "vnd.microsoft.icon",
                                       "x-ms-bmp"};
constexpr Types kTypes[] = {{"application", kApplication}, {"font", kFont}, {"image", kImage}};

bool ends_with_ignore_case(std::string_view text, std::string_view end) {
  return text.size() > end.size() && equals_ignore_case(text.substr(text.size() - end.size()), end);
}

}  // namespace

std::string_view to_string(Coding coding) { return kNames[static_cast<std::size_t>(coding)]; }

std::optional<Coding> parse_coding(std::string_view name) {
  for (std::size_t i = 0; i < kCodings; ++i)
    if (equals_ignore_case(name, kNames[i])) return static_cast<Coding>(i);
  if (equals_ignore_case(name, "x-gzip")) return Coding::kGzip;
  return std::nullopt;
}

std::optional<Coding> choose(std::string_view accept_encoding, std::span<const Coding> offered) {
  const Weights weights = read_weights(accept_encoding);
  if (weights.malformed) return Coding::kIdentity;
  std::optional<Coding> best;
  int best_weight = 0;
  for (const Coding coding : offered) {
    const int weight = weights.of[static_cast<std::size_t>(coding)];
    if (weight <= best_weight) continue;
    best = coding;
    best_weight = weight;
  }
  const int identity = weights.of[0];
  // Identity that nobody named is acceptable, though less welcome than anything named.
  if (identity > best_weight || (identity == kUnnamed && !best)) return Coding::kIdentity;
  return best;
}

bool compressible(std::string_view content_type) {
  const std::string_view type = trim_ows(content_type.substr(0, content_type.find(';')));
  const std::size_t slash = type.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view top = type.substr(0, slash), subtype = type.substr(slash + 1);
  if (equals_ignore_case(top, "text")) return !subtype.empty();
  if (ends_with_ignore_case(subtype, "+json") || ends_with_ignore_case(subtype, "+xml"))
    return true;
  for (const Types& types : kTypes)
    if (equals_ignore_case(top, types.top))
      return std::ranges::any_of(
          types.subtypes, [&](std::string_view s) { return equals_ignore_case(subtype, s); });
  return false;
}

}  // namespace headgate::wire::content_coding
