#pragma once
// Reads what a hash balancer or a rate limit is keyed by from a request.
#include <optional>
#include <string_view>

#include "model/upstream.h"

namespace headgate::proxy {

class Exchange;

// Absent header, cookie or parameter: none. A view into the exchange.
std::optional<std::string_view> value_of(const model::HashKey& key, const Exchange& exchange);

}  // namespace headgate::proxy
