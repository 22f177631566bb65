#pragma once
// Age (RFC 9111 §4.2.3). A clock that steps back makes nothing younger than when it came, and a
// response from the future is told apart, so that it is validated and not fresh for ever. Pure.
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "model/stored_response.h"
#include "wire/http/field.h"

namespace headgate::decide::cache {

// Wall-clock times of one exchange with the origin: head sent, head received.
struct ExchangeTimes {
  WallTime request, response;
};

// How far back the clock may step unnoticed: what time keeping corrects without a jump.
inline constexpr std::int64_t kClockStepMaxNs = 5'000'000'000;

// The first member of the first Age field; none when that is no number of seconds (§5.1).
std::optional<std::uint32_t> parse_age(const wire::http::Fields& response);

// corrected_initial_age. `date_s` is the time of Date, or of the response without one.
std::int64_t initial_age_ns(std::optional<std::uint32_t> age, std::int64_t date_s,
                            ExchangeTimes times);

std::int64_t current_age_ns(const model::StoredResponse& stored, WallTime now);
bool is_from_the_future(const model::StoredResponse& stored, WallTime now);

}  // namespace headgate::decide::cache
