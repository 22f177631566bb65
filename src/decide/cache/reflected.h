#pragma once
// Request fields that origins are known to reflect into responses, or to route by, while no cache
// knows of them (cache poisoning). Pure.
#include "model/cache_policy.h"
#include "wire/http/field.h"

namespace headgate::decide::cache {

// Whether a field of a client must not be sent on by a request whose response may be stored: it is
// such a field and the policy's key does not hold it. What the proxy itself sets afterwards
// (X-Forwarded-Proto and -Host from the keyed scheme and host) is not meant.
bool is_unkeyed_influence(const wire::http::Field& field, const model::CacheKeyPolicy& key);

}  // namespace headgate::decide::cache
