#pragma once
// Asking the origin whether stored responses are still good (RFC 9111 §4.3.1), and what its answer
// means (§4.3.3). Pure; views into the stored fields.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "wire/http/field.h"

namespace headgate::decide::cache {

// As their fields carry them; empty when absent or unreadable.
struct Validators {
  std::string_view tag;            // ETag
  std::string_view last_modified;  // Last-Modified, an HTTP date
  bool is_empty() const { return tag.empty() && last_modified.empty(); }
};

Validators validators_of(const wire::http::Fields& stored);

// Fields of a client that are not sent on when the cache asks for itself, to validate or to fetch
// what it will store: its own conditions and ranges. What only the origin can judge (If-Match,
// If-Unmodified-Since) is sent on.
bool is_replaced_by_cache(wire::http::FieldId id);

// Appends the conditions about the responses stored for the request: the tags of all of them, and
// the date when it is one. False: there is nothing to ask about. `storage` holds the joined tags.
bool append_conditions(std::span<const Validators> stored, std::string& storage,
                       wire::http::Fields& out);

enum class ValidationOutcome : std::uint8_t {
  kFreshen,  // 304: freshen.h says which stored responses
  kReplace,  // the answer goes to the client and, if it may, into the store
  kFailed,   // error.h says what is answered
};
ValidationOutcome outcome_of(int status);

}  // namespace headgate::decide::cache
