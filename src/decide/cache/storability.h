#pragma once
// May a response be stored (RFC 9111 §3), and which of its fields (§3.1). Pure.
#include <cstdint>

#include "decide/cache/control.h"
#include "decide/cache/reason.h"
#include "decide/cache/request.h"
#include "model/cache_policy.h"
#include "model/stored_response.h"
#include "wire/http/message.h"

namespace headgate::decide::cache {

// kStored, or why not. `record` is that of the response (record.h). A request that bypasses the
// cache is not asked about here.
Reason may_store(const RequestFacts& request, const wire::http::Fields& response,
                 const Governing& governing, const model::StoredResponse& record,
                 const model::CachePolicy& policy);

// Whether a field of a response becomes part of what is stored. `fields` are those of `field`.
bool is_stored_field(const wire::http::Field& field, const wire::http::Fields& fields,
                     const Governing& governing, const model::CachePolicy& policy);

// How the content ended, which is known last.
struct ContentEnd {
  std::uint64_t bytes = 0;  // received
  bool is_clean = false;    // as the framing says: all of the length, last chunk, END_STREAM, close
};
// §3.3: content that ended early is dropped and never served as complete. kStored, or why not.
Reason may_keep(const model::StoredResponse& record, ContentEnd end,
                const model::CachePolicy& policy);

// Whether the policy keeps what was asked for `requests` times lately, this one included.
bool is_admitted(const model::CachePolicy& policy, std::uint32_t requests);

}  // namespace headgate::decide::cache
