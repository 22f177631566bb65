#pragma once
// Cache-Control (RFC 9111 §5.2) of requests and responses as one value; extensions of RFC 5861 and
// RFC 8246 included. Views into the caller's fields; allocates nothing. Pure, any thread.
//
// Two readings are settled towards reusing less: a restricting directive (no-store, no-cache,
// private, must-revalidate, proxy-revalidate) counts even when junk follows it or it has an
// argument that it does not define; a permitting one (public, immutable, must-understand,
// only-if-cached) does not. A repeated directive keeps its first value, and any invalid value makes
// it invalid (§4.2.1), which callers take for stale.
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "wire/http/field.h"

namespace headgate::wire::http {

inline constexpr std::uint32_t kDeltaSecondsMax = 1U << 31;  // RFC 9111 §1.2.2: what overflows

// Digits alone; a number beyond kDeltaSecondsMax is read as it.
std::optional<std::uint32_t> parse_delta_seconds(std::string_view text);

struct DeltaSeconds {
  enum class State : std::uint8_t { kAbsent, kInvalid, kValid };
  State state = State::kAbsent;
  std::uint32_t seconds = 0;  // 0 unless valid

  constexpr bool is_present() const { return state != State::kAbsent; }
  constexpr bool is_valid() const { return state == State::kValid; }
  // Takes one more occurrence; nullopt is an invalid one.
  void add(std::optional<std::uint32_t> value);
};

// no-cache and private: about the whole response, or only about the fields that they name.
class FieldScope {
 public:
  static constexpr std::size_t kListsMax = 4;  // lines that name fields; more mean the whole

  constexpr bool is_present() const { return whole_ || count_ > 0; }
  constexpr bool is_whole() const { return whole_; }
  bool names(std::string_view field) const;  // case-insensitive; false when it is whole

  void add_whole() { whole_ = true; }
  // `list`: the inside of the quotes. A list without names or with what is no name means the whole.
  void add_names(std::string_view list);

 private:
  std::array<std::string_view, kListsMax> lists_{};
  std::uint8_t count_ = 0;
  bool whole_ = false;
};

struct CacheControl {
  DeltaSeconds max_age, stale_if_error;           // in requests and responses
  DeltaSeconds s_maxage, stale_while_revalidate;  // in responses
  DeltaSeconds min_fresh, max_stale;              // in requests
  FieldScope no_cache, is_private;
  bool max_stale_any = false;  // max-stale without a number: any staleness
  bool no_store = false, no_transform = false, is_public = false, only_if_cached = false;
  bool must_revalidate = false, proxy_revalidate = false, must_understand = false;
  bool immutable = false;
  bool is_present = false;  // some line was there, whatever it held
};

// One directive: `argument` without its quotes. `is_clean` is false when junk follows it.
struct Directive {
  std::string_view name;
  std::optional<std::string_view> argument;
  bool is_clean = true;
};

// Walks the directives of one field line; empty elements and elements that begin with no token are
// skipped. Where quotes never end they are junk, and the next comma ends the element.
class Directives {
 public:
  explicit Directives(std::string_view line) : rest_(line) {}
  bool next(Directive& out);

 private:
  void skip_to_comma(bool& is_clean);
  std::optional<std::string_view> take_argument(bool& is_clean);
  std::string_view rest_;
};

void apply(CacheControl& into, const Directive& directive);
// All lines of Cache-Control.
CacheControl parse_cache_control(const Fields& fields);

}  // namespace headgate::wire::http
