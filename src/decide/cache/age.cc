#include "decide/cache/age.h"

#include <algorithm>

#include "base/ascii.h"
#include "wire/http/cache_control.h"

namespace headgate::decide::cache {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::int64_t kAgeMaxNs = std::int64_t{1} << 62;

std::int64_t clamp_age(__int128 ns) {
  return static_cast<std::int64_t>(std::clamp<__int128>(ns, 0, kAgeMaxNs));
}

}  // namespace

std::optional<std::uint32_t> parse_age(const wire::http::Fields& response) {
  const auto* field = wire::http::find(response, wire::http::FieldId::kAge);
  if (!field) return std::nullopt;
  std::string_view rest = field->value;
  return wire::http::parse_delta_seconds(trim_ows(take_until(rest, ',')));
}

// Date has whole seconds, so the apparent age is counted in them; the rest is exact.
std::int64_t initial_age_ns(std::optional<std::uint32_t> age, std::int64_t date_s,
                            ExchangeTimes times) {
  const __int128 apparent =
      (static_cast<__int128>(times.response.seconds()) - date_s) * kNsPerSecond;
  const __int128 delay =
      std::max<__int128>(static_cast<__int128>(times.response.ns) - times.request.ns, 0);
  const __int128 corrected = static_cast<__int128>(age.value_or(0)) * kNsPerSecond + delay;
  return clamp_age(std::max(apparent, corrected));
}

std::int64_t current_age_ns(const model::StoredResponse& stored, WallTime now) {
  const __int128 resident =
      std::max<__int128>(static_cast<__int128>(now.ns) - stored.response_time_ns, 0);
  return clamp_age(stored.initial_age_ns + resident);
}

bool is_from_the_future(const model::StoredResponse& stored, WallTime now) {
  return static_cast<__int128>(stored.response_time_ns) - now.ns > kClockStepMaxNs;
}

}  // namespace headgate::decide::cache
