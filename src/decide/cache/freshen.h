#pragma once
// What a 304 (RFC 9111 §4.3.4) or an answer to HEAD (§4.3.5) does to stored responses. Pure.
#include <cstdint>
#include <optional>
#include <span>

#include "decide/cache/age.h"
#include "decide/cache/control.h"
#include "decide/cache/reason.h"
#include "decide/cache/request.h"
#include "decide/cache/validation.h"
#include "model/cache_policy.h"
#include "model/stored_response.h"
#include "wire/http/field.h"

namespace headgate::decide::cache {

// A stored response that the validation asked about.
struct Candidate {
  Validators validators;
  std::int64_t date_s = 0;
};

// Sets `selected[i]` for each candidate that the 304 freshens, and says how many. A strong tag
// selects all that have it; a weak one, or a date, the most recent that has it; a 304 without
// validators the only candidate, which the request itself named. None: the 304 is of no use, and
// the response is fetched without conditions.
std::size_t select_for_update(std::span<const Candidate> candidates,
                              const wire::http::Fields& update, std::span<bool> selected);

// A stored response with the fields of the update in place of its own. Content-Length,
// Content-Encoding and Content-Range stay: they describe the content that is stored.
struct Freshened {
  wire::http::Fields fields;  // views into both
  Governing governing;        // views into `fields`' text
  model::StoredResponse record;
  Reason keep = Reason::kStored;  // or why it must not stay in the store
  bool vary_changed = false;      // the variant needs a new secondary key (vary.h)
  bool is_saved = true;           // false for a request with no-store: it answers that client alone
};
Freshened freshen(const model::StoredResponse& record, const wire::http::Fields& stored,
                  const wire::http::Fields& update, const RequestFacts& request,
                  const model::CachePolicy& policy, ExchangeTimes times);

enum class HeadEffect : std::uint8_t {
  kNone,
  kFreshen,  // as by a 304
  kOutdate,  // what is stored is another representation: stale from now on
};
// `response`: what the origin answered to HEAD, `length` its Content-Length.
HeadEffect effect_of_head(int status, const wire::http::Fields& response,
                          std::optional<std::uint64_t> length, const model::StoredResponse& record,
                          const wire::http::Fields& stored);

}  // namespace headgate::decide::cache
