#pragma once
// Makes the record of a response (model/stored_response.h) from its head, when it arrives and again
// when a 304 or HEAD freshens it. Pure.
#include "decide/cache/age.h"
#include "decide/cache/control.h"
#include "model/stored_response.h"
#include "wire/http/message.h"

namespace headgate::decide::cache {

// `response` is the head as it will be stored: for a freshened one the merged fields, with the
// status of the stored one. `length`: the complete length when the framing tells it.
model::StoredResponse describe(int status, const wire::http::Fields& response,
                               const Governing& governing, ExchangeTimes times,
                               std::optional<std::uint64_t> length);

}  // namespace headgate::decide::cache
