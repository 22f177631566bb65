#include "wire/http/field.h"

#include <array>
#include <cstddef>
#include <cstring>

#include "base/ascii.h"
#include "wire/http/connection_options.h"

namespace headgate::wire::http {
namespace {

constexpr std::size_t kCount = static_cast<std::size_t>(FieldId::kCount);

// In the order of FieldId.
constexpr std::array<std::string_view, kCount> kNames = {
    "",
    "accept",
    "accept-encoding",
    "accept-language",
    "access-control-request-headers",
    "access-control-request-method",
    "age",
    "alt-svc",
    "authorization",
    "cache-control",
    "cache-status",
    "cache-tag",
    "cdn-cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-location",
    "content-range",
    "content-type",
    "cookie",
    "date",
    "etag",
    "expect",
    "expires",
    "forwarded",
    "grpc-message",
    "grpc-status",
    "host",
    "http2-settings",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "last-modified",
    "location",
    "origin",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "referer",
    "retry-after",
    "sec-websocket-accept",
    "sec-websocket-key",
    "sec-websocket-version",
    "server",
    "set-cookie",
    "surrogate-control",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "vary",
    "via",
    "warning",
    "www-authenticate",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-request-id",
};

// Lookup: a perfect hash over the length and the two outer bytes on each side.

constexpr std::size_t kNameBytesMin = 2, kNameBytesMax = 30;
constexpr unsigned kSlotBits = 9;

constexpr std::uint32_t byte_at(std::string_view s, std::size_t i) {
  return static_cast<unsigned char>(s[i]);
}

constexpr std::uint32_t key_of(std::string_view s) {
  const std::size_t n = s.size();
  const std::uint32_t ends =
      byte_at(s, 0) | byte_at(s, 1) << 8 | byte_at(s, n - 2) << 16 | byte_at(s, n - 1) << 24;
  return (ends | 0x20202020U) + static_cast<std::uint32_t>(n) * 0x01000193U;
}

constexpr std::size_t slot_of(std::string_view s, std::uint32_t multiplier) {
  return (key_of(s) * multiplier) >> (32 - kSlotBits);
}

constexpr bool is_perfect(std::uint32_t multiplier) {
  std::array<bool, 1U << kSlotBits> taken{};
  for (std::size_t i = 1; i < kCount; ++i) {
    bool& slot = taken[slot_of(kNames[i], multiplier)];
    if (slot) return false;
    slot = true;
  }
  return true;
}

// Tries odd multipliers until no two names share a slot, so a new name needs no tuning by hand.
consteval std::uint32_t find_multiplier() {
  std::uint32_t multiplier = 0x9e3779b1U;
  for (int tries = 0; tries < 5000 && !is_perfect(multiplier); ++tries) multiplier += 0x61c88646U;
  return multiplier;
}

constexpr std::uint32_t kMultiplier = find_multiplier();
static_assert(is_perfect(kMultiplier), "no perfect hash was found: widen kSlotBits");
static_assert([] {
  for (std::size_t i = 1; i < kCount; ++i)
    if (kNames[i].size() < kNameBytesMin || kNames[i].size() > kNameBytesMax) return false;
  return true;
}());

constexpr auto kSlots = [] {
  std::array<std::uint8_t, 1U << kSlotBits> slots{};
  for (std::size_t i = 1; i < kCount; ++i)
    slots[slot_of(kNames[i], kMultiplier)] = static_cast<std::uint8_t>(i);
  return slots;
}();

// `fold` has bit 0x20 where the name has a letter, so (text | fold) == name holds for both cases of
// it and nothing else.
struct Pattern {
  std::array<char, 32> name{};
  std::array<char, 32> fold{};
  std::size_t size = 0;
};

constexpr auto kPatterns = [] {
  std::array<Pattern, kCount> patterns{};
  for (std::size_t i = 1; i < kCount; ++i) {
    patterns[i].size = kNames[i].size();
    for (std::size_t j = 0; j < kNames[i].size(); ++j) {
      patterns[i].name[j] = kNames[i][j];
      patterns[i].fold[j] = is_alpha(kNames[i][j]) ? 0x20 : 0;
    }
  }
  return patterns;
}();

template <typename Word>
bool word_matches(const char* text, const Pattern& pattern, std::size_t at) {
  Word word, fold, name;
  std::memcpy(&word, text + at, sizeof word);
  std::memcpy(&fold, pattern.fold.data() + at, sizeof fold);
  std::memcpy(&name, pattern.name.data() + at, sizeof name);
  return (word | fold) == name;
}

// The last word overlaps the one before it, which saves a byte loop.
template <typename Word>
bool words_match(std::string_view text, const Pattern& pattern) {
  const std::size_t last = text.size() - sizeof(Word);
  for (std::size_t at = 0; at < last; at += sizeof(Word))
    if (!word_matches<Word>(text.data(), pattern, at)) return false;
  return word_matches<Word>(text.data(), pattern, last);
}

bool matches(std::string_view text, const Pattern& pattern) {
  if (text.size() != pattern.size) return false;
  if (text.size() >= 8) return words_match<std::uint64_t>(text, pattern);
  if (text.size() >= 4) return words_match<std::uint32_t>(text, pattern);
  return words_match<std::uint16_t>(text, pattern);
}

enum Property : std::uint8_t { kHopByHop = 1, kForbiddenTrailer = 2, kProtected = 4 };

constexpr FieldId kHopByHopIds[] = {
    FieldId::kConnection,
    FieldId::kHttp2Settings,
    FieldId::kKeepAlive,
    FieldId::kProxyConnection,
    FieldId::kProxyAuthenticate,
    FieldId::kProxyAuthorization,
    FieldId::kTe,
    FieldId::kTransferEncoding,
    FieldId::kUpgrade,
};

// RFC 9110 §6.5.1: fields needed before the content is handled: framing, routing, modifiers,
// authentication, control data.
constexpr FieldId kForbiddenTrailerIds[] = {
    FieldId::kAge,
    FieldId::kAuthorization,
    FieldId::kCacheControl,
    FieldId::kCacheTag,
    FieldId::kCdnCacheControl,
    FieldId::kContentEncoding,
    FieldId::kContentLength,
    FieldId::kContentLocation,
    FieldId::kContentRange,
    FieldId::kContentType,
    FieldId::kCookie,
    FieldId::kDate,
    FieldId::kExpect,
    FieldId::kExpires,
    FieldId::kForwarded,
    FieldId::kHost,
    FieldId::kIfMatch,
    FieldId::kIfModifiedSince,
    FieldId::kIfNoneMatch,
    FieldId::kIfRange,
    FieldId::kIfUnmodifiedSince,
    FieldId::kLastModified,
    FieldId::kLocation,
    FieldId::kOrigin,
    FieldId::kPragma,
    FieldId::kRange,
    FieldId::kRetryAfter,
    FieldId::kSecWebsocketAccept,
    FieldId::kSecWebsocketKey,
    FieldId::kSecWebsocketVersion,
    FieldId::kSetCookie,
    FieldId::kSurrogateControl,
    FieldId::kTraceparent,
    FieldId::kTracestate,
    FieldId::kTrailer,
    FieldId::kVary,
    FieldId::kVia,
    FieldId::kWarning,
    FieldId::kWwwAuthenticate,
    FieldId::kXForwardedFor,
    FieldId::kXForwardedHost,
    FieldId::kXForwardedPort,
    FieldId::kXForwardedProto,
    FieldId::kXRequestId,
};

constexpr std::size_t index_of(FieldId id) { return static_cast<std::size_t>(id); }

// Every known end-to-end name is protected: RFC 9110 §7.6.1 forbids senders to list such a name in
// Connection, so one that is listed there is an attempt to make a later hop see less than was
// checked here.
constexpr auto kProperties = [] {
  std::array<std::uint8_t, kCount> table{};
  for (std::size_t i = 1; i < kCount; ++i) table[i] = kProtected;
  for (const FieldId id : kHopByHopIds) table[index_of(id)] = kHopByHop | kForbiddenTrailer;
  for (const FieldId id : kForbiddenTrailerIds) table[index_of(id)] |= kForbiddenTrailer;
  return table;
}();

bool has(FieldId id, Property property) { return (kProperties[index_of(id)] & property) != 0; }

}  // namespace

std::string_view name_of(FieldId id) { return kNames[index_of(id)]; }

FieldId field_id(std::string_view name) {
  if (name.size() < kNameBytesMin || name.size() > kNameBytesMax) return FieldId::kOther;
  const std::size_t i = kSlots[slot_of(name, kMultiplier)];
  return matches(name, kPatterns[i]) ? static_cast<FieldId>(i) : FieldId::kOther;
}

bool is_hop_by_hop(FieldId id) { return has(id, kHopByHop); }
bool is_forbidden_trailer(FieldId id) { return has(id, kForbiddenTrailer); }
bool is_protected_from_connection(FieldId id) { return has(id, kProtected); }

const Field* find(const Fields& fields, FieldId id) {
  for (const Field& field : fields)
    if (field.id == id) return &field;
  return nullptr;
}

const Field* find(const Fields& fields, std::string_view name) {
  if (const FieldId id = field_id(name); id != FieldId::kOther) return find(fields, id);
  for (const Field& field : fields)
    if (field.id == FieldId::kOther && equals_ignore_case(field.name, name)) return &field;
  return nullptr;
}

bool is_removed_by_connection(const Fields& fields, const Field& field) {
  if (is_protected_from_connection(field.id)) return false;
  bool named = false;
  for_each_connection_option(fields, [&](std::string_view option) {
    named = named || equals_ignore_case(option, field.name);
  });
  return named;
}

}  // namespace headgate::wire::http
