#pragma once
// What a configuration may cost before it is refused. Every limit is named in the problem that it
// causes.
#include <cstddef>
#include <cstdint>

namespace headgate::config {

inline constexpr std::size_t kFileBytesMax = 256U << 20;
inline constexpr std::size_t kFilesMax = 100'000;
inline constexpr int kDirectoryDepthMax = 32;
inline constexpr std::size_t kDocumentBytesMax =
    1U << 20;  // as the control store allows for one object
inline constexpr std::size_t kNodesMax =
    50'000;  // of one document, aliases counted as often as used
inline constexpr int kDepthMax = 32;
inline constexpr std::size_t kObjectsMax = 1'000'000;
inline constexpr std::size_t kCacheBytesMax =
    256U << 20;  // text that a LoadCache keeps; later documents are parsed at every load
inline constexpr std::size_t kProblemsMax = 1000;         // later ones are counted, not kept
inline constexpr std::size_t kSuggestionsMax = 100;       // of names of other objects
inline constexpr std::int64_t kRegexProgramMax = 20'000;  // instructions of one compiled expression
inline constexpr std::size_t kRegexBytesMax = 1024;

static_assert(kDocumentBytesMax <= kFileBytesMax);
static_assert(kDepthMax < 100, "the schema walk recurses once a level");

}  // namespace headgate::config
