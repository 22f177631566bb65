#pragma once
// What the cache's decisions ask about a request, read once from its head; and whether the request
// leaves the cache out. Views into the head; allocates nothing. Pure, any thread.
#include <optional>

#include "decide/cache/reason.h"
#include "model/cache_policy.h"
#include "wire/http/cache_control.h"
#include "wire/http/message.h"

namespace headgate::decide::cache {

struct RequestFacts {
  wire::http::Method method = wire::http::Method::kGet;
  wire::http::CacheControl control;  // empty when the policy does not honour clients' directives
  bool pragma_no_cache = false;      // Pragma: no-cache without Cache-Control (RFC 9111 §5.4)
  bool has_authorization = false;
  bool has_range = false;      // of a GET: other methods have no Range (RFC 9110 §14.2)
  bool has_condition = false;  // If-None-Match or If-Modified-Since
  bool has_content = false;
  bool has_unkeyed_cookie = false;  // one that the policy does not make part of the key
  bool switches_protocol = false;

  // max-stale, with or without a number: stale responses are welcome.
  bool accepts_stale() const { return control.max_stale_any || control.max_stale.is_valid(); }
};

RequestFacts read_request(const wire::http::RequestHead& head, const model::CachePolicy& policy);

// Why the cache neither answers nor stores; none: it takes part.
std::optional<Reason> bypass_reason(const wire::http::RequestHead& head, const RequestFacts& facts,
                                    const model::CachePolicy& policy);

}  // namespace headgate::decide::cache
