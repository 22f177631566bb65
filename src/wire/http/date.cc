#include "wire/http/date.h"

#include <chrono>
#include <cstdint>
#include <cstring>
#include <limits>

#include "base/ascii.h"

namespace headgate::wire::http {
namespace {

constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::string_view kLongDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                          "Thursday", "Friday", "Saturday"};
constexpr std::int64_t kSecondsPerDay = 86400;

struct Parts {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  int weekday = 0;  // 0 is Sunday
};

void write_two(char* out, unsigned value) {
  out[0] = static_cast<char>('0' + value / 10);
  out[1] = static_cast<char>('0' + value % 10);
}

// Reads pieces off the front; the first failure sticks.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  void literal(std::string_view expected) {
    ok_ = ok_ && rest_.starts_with(expected);
    if (ok_) rest_.remove_prefix(expected.size());
  }
  int digits(std::size_t count) {
    const auto value = parse_decimal(take(count));
    ok_ = ok_ && value.has_value();
    return ok_ ? static_cast<int>(*value) : 0;
  }
  // Index of the next three characters in a table of three-letter names.
  int name(std::string_view table) {
    const std::string_view piece = take(3);
    for (std::size_t i = 0; ok_ && i < table.size(); i += 3)
      if (table.substr(i, 3) == piece) return static_cast<int>(i / 3);
    ok_ = false;
    return 0;
  }
  // asctime pads the day with a space.
  int padded_day() {
    if (!rest_.starts_with(' ')) return digits(2);
    literal(" ");
    return digits(1);
  }
  void time(Parts& parts) {
    parts.hour = digits(2);
    literal(":");
    parts.minute = digits(2);
    literal(":");
    parts.second = digits(2);
  }
  bool finished() const { return ok_ && rest_.empty(); }

 private:
  std::string_view take(std::size_t count) {
    ok_ = ok_ && rest_.size() >= count;
    if (!ok_) return {};
    const std::string_view piece = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return piece;
  }
  std::string_view rest_;
  bool ok_ = true;
};

bool read_imf_fixdate(std::string_view text, Parts& parts) {
  Reader reader(text);
  parts.weekday = reader.name(kDays);
  reader.literal(", ");
  parts.day = reader.digits(2);
  reader.literal(" ");
  parts.month = reader.name(kMonths) + 1;
  reader.literal(" ");
  parts.year = reader.digits(4);
  reader.literal(" ");
  reader.time(parts);
  reader.literal(" GMT");
  return reader.finished();
}

bool read_asctime(std::string_view text, Parts& parts) {
  Reader reader(text);
  parts.weekday = reader.name(kDays);
  reader.literal(" ");
  parts.month = reader.name(kMonths) + 1;
  reader.literal(" ");
  parts.day = reader.padded_day();
  reader.literal(" ");
  reader.time(parts);
  reader.literal(" ");
  parts.year = reader.digits(4);
  return reader.finished();
}

bool read_rfc850(std::string_view text, Parts& parts) {
  const std::string_view day_name = take_until(text, ',');
  parts.weekday = -1;
  for (int i = 0; i < 7; ++i)
    if (kLongDays[i] == day_name) parts.weekday = i;
  if (parts.weekday < 0) return false;
  Reader reader(text);
  reader.literal(" ");
  parts.day = reader.digits(2);
  reader.literal("-");
  parts.month = reader.name(kMonths) + 1;
  reader.literal("-");
  parts.year = reader.digits(2);
  reader.literal(" ");
  reader.time(parts);
  reader.literal(" GMT");
  return reader.finished();
}

WallTime from_seconds(std::int64_t seconds) {
  constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max() / 1'000'000'000;
  if (seconds > kEnd) return {std::numeric_limits<std::int64_t>::max()};
  if (seconds < -kEnd) return {std::numeric_limits<std::int64_t>::min()};
  return {seconds * 1'000'000'000};
}

std::chrono::sys_days days_of(const Parts& parts) {
  return std::chrono::year_month_day(std::chrono::year(parts.year),
                                     std::chrono::month(static_cast<unsigned>(parts.month)),
                                     std::chrono::day(static_cast<unsigned>(parts.day)));
}

std::int64_t seconds_of(const Parts& parts) {
  return days_of(parts).time_since_epoch().count() * kSecondsPerDay + parts.hour * 3600 +
         parts.minute * 60 + parts.second;
}

// A leap second is read as the second that follows it.
bool exists(const Parts& parts) {
  const std::chrono::year_month_day date(std::chrono::year(parts.year),
                                         std::chrono::month(static_cast<unsigned>(parts.month)),
                                         std::chrono::day(static_cast<unsigned>(parts.day)));
  if (!date.ok() || parts.hour > 23 || parts.minute > 59 || parts.second > 60) return false;
  const std::chrono::weekday weekday{std::chrono::sys_days(date)};
  return weekday.c_encoding() == static_cast<unsigned>(parts.weekday);
}

// RFC 9110 §5.6.7: more than 50 years ahead means the last year in the past with the same two
// digits.
void choose_century(Parts& parts, WallTime now) {
  const std::chrono::sys_days today{std::chrono::days(now.seconds() / kSecondsPerDay)};
  const int year_now = static_cast<int>(std::chrono::year_month_day(today).year());
  parts.year += year_now - year_now % 100 + 100;
  while (parts.year > year_now + 50) parts.year -= 100;
}

}  // namespace

void write_date(WallTime t, char* out) {
  const std::chrono::sys_seconds seconds = std::chrono::floor<std::chrono::seconds>(
      std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::nanoseconds(t.ns)));
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(day);
  const auto of_day = static_cast<unsigned>((seconds - day).count());
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  std::memcpy(out, "Ddd, dd Mmm yyyy hh:mm:ss GMT", kDateBytes);
  std::memcpy(out, kDays.data() + std::chrono::weekday(day).c_encoding() * 3, 3);
  write_two(out + 5, static_cast<unsigned>(date.day()));
  std::memcpy(out + 8, kMonths.data() + (static_cast<unsigned>(date.month()) - 1) * 3, 3);
  write_two(out + 12, year / 100);
  write_two(out + 14, year % 100);
  write_two(out + 17, of_day / 3600);
  write_two(out + 20, of_day / 60 % 60);
  write_two(out + 23, of_day % 60);
}

void append_date(std::string& out, WallTime t) {
  char text[kDateBytes];
  write_date(t, text);
  out.append(text, kDateBytes);
}

std::optional<WallTime> parse_date(std::string_view text, WallTime now) {
  Parts parts;
  if (text.size() == kDateBytes && text[3] == ',') {
    if (!read_imf_fixdate(text, parts)) return std::nullopt;
  } else if (text.find(',') == std::string_view::npos) {
    if (!read_asctime(text, parts)) return std::nullopt;
  } else {
    if (!read_rfc850(text, parts)) return std::nullopt;
    choose_century(parts, now);
  }
  if (!exists(parts)) return std::nullopt;
  return from_seconds(seconds_of(parts));
}

}  // namespace headgate::wire::http
