#pragma once
// Dates of HTTP (RFC 9110 §5.6.7) as values: written as IMF-fixdate, read in all three forms. Pure;
// no locale, no time zone of the machine. WallTime reaches from 1678 to 2262; a date beyond is read
// as the nearest end, because "never" is commonly written as the year 9999.
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace headgate::wire::http {

inline constexpr std::size_t kDateBytes = 29;  // "Sun, 06 Nov 1994 08:49:37 GMT"

// Writes exactly kDateBytes characters, without NUL. Parts of a second are cut off.
void write_date(WallTime t, char* out);
void append_date(std::string& out, WallTime t);

// IMF-fixdate, RFC 850 and asctime forms, exact: a wrong day name, a 30th of February or another
// zone is no date. The two-digit year of RFC 850 is the one nearest to `now` that is not more than
// 50 years ahead.
std::optional<WallTime> parse_date(std::string_view text, WallTime now);

}  // namespace headgate::wire::http
