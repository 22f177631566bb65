#pragma once
// W3C Trace Context: the traceparent field and whether a tracestate may travel with it. Randomness
// is an argument. A field that does not parse is dropped together with tracestate, and a new trace
// begins (Trace Context §4.3).
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::wire::traceparent {

inline constexpr std::size_t kTextBytes = 55;  // of version 00
inline constexpr std::size_t kTracestateBytesMax = 4096;
inline constexpr std::uint8_t kSampled = 0x01;
inline constexpr std::uint8_t kRandomTraceId = 0x02;  // Trace Context level 2

struct Traceparent {
  std::uint64_t trace_id_high = 0, trace_id_low = 0;  // never both zero
  std::uint64_t parent_id = 0;                        // never zero
  std::uint8_t flags = 0;
  friend bool operator==(const Traceparent&, const Traceparent&) = default;
};

// Version 00 exactly; a later version by its first four fields (§3.2.4), with the flags that are
// known here. Lower-case hex.
std::optional<Traceparent> parse(std::string_view text);
// As version 00.
void append_to(std::string& out, const Traceparent& trace);
std::string to_string(const Traceparent& trace);

// Same trace, same flags, with a span of our own as the parent of what follows.
Traceparent child_of(const Traceparent& parent, std::uint64_t random);
Traceparent new_trace(std::uint64_t random_high, std::uint64_t random_low,
                      std::uint64_t random_span, bool sampled);

// §3.3.1: at most 32 members "key=value", keys well formed and each there once. The field is passed
// on whole or not at all.
bool is_valid_tracestate(std::string_view text);

}  // namespace headgate::wire::traceparent
