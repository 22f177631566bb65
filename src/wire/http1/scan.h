#pragma once
// Byte scanners of the HTTP/1 parsers. Each returns the first byte in [p, end) that does not
// belong, or `end`; none reads beyond `end`. SSE2 is part of every x86-64; other machines take the
// tables.
#include <bit>
#include <cstdint>

#include "wire/http/text.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace headgate::wire::http1 {

// Names are short: a table beats a vector here.
inline const char* skip_token(const char* p, const char* end) {
  while (p != end && http::is_token_char(*p)) ++p;
  return p;
}

constexpr bool is_target_char(char c) { return c > 0x20 && c < 0x7f; }

#ifdef __SSE2__
namespace detail {
inline __m128i load(const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
inline unsigned mask_of(__m128i bytes) { return static_cast<unsigned>(_mm_movemask_epi8(bytes)); }

// Bit per byte that is a control other than HTAB, or DEL.
inline unsigned bad_value_bytes(__m128i v) {
  const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
  const __m128i tab = _mm_cmpeq_epi8(v, _mm_set1_epi8('\t'));
  const __m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));
  return mask_of(_mm_or_si128(_mm_andnot_si128(tab, control), del));
}

// Bit per byte outside 0x21..0x7e; the comparison is signed, so bytes above 0x7f count as small.
inline unsigned bad_target_bytes(__m128i v) {
  const __m128i small = _mm_cmplt_epi8(v, _mm_set1_epi8(0x21));
  return mask_of(_mm_or_si128(small, _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f))));
}

// Bit per LF or NUL.
inline unsigned line_marks(__m128i v) {
  return mask_of(
      _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\n')), _mm_cmpeq_epi8(v, _mm_setzero_si128())));
}
}  // namespace detail
#endif

inline const char* skip_field_value(const char* p, const char* end) {
#ifdef __SSE2__
  for (; end - p >= 16; p += 16)
    if (const unsigned bad = detail::bad_value_bytes(detail::load(p)))
      return p + std::countr_zero(bad);
#endif
  while (p != end && http::is_field_value_char(*p)) ++p;
  return p;
}

inline const char* skip_target(const char* p, const char* end) {
#ifdef __SSE2__
  for (; end - p >= 16; p += 16)
    if (const unsigned bad = detail::bad_target_bytes(detail::load(p)))
      return p + std::countr_zero(bad);
#endif
  while (p != end && is_target_char(*p)) ++p;
  return p;
}

// Calls visit(position) for every LF and NUL in order, until it returns false.
template <typename Visit>
inline void for_each_line_mark(const char* begin, const char* p, const char* end, Visit&& visit) {
#ifdef __SSE2__
  for (; end - p >= 16; p += 16)
    for (unsigned marks = detail::line_marks(detail::load(p)); marks != 0; marks &= marks - 1)
      if (!visit(static_cast<std::size_t>(p - begin) +
                 static_cast<std::size_t>(std::countr_zero(marks))))
        return;
#endif
  for (; p != end; ++p)
    if ((*p == '\n' || *p == '\0') && !visit(static_cast<std::size_t>(p - begin))) return;
}

}  // namespace headgate::wire::http1
