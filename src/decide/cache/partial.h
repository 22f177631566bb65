#pragma once
// Parts of a representation (RFC 9111 §3.3, §3.4; RFC 9110 §15.3.7.3): asking for a missing one,
// judging what came, and joining parts into more. Pure.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/stored_response.h"
#include "wire/http/field.h"
#include "wire/http/range.h"

namespace headgate::decide::cache {

// Appends Range and, with a strong tag, If-Range: the whole comes back when the representation has
// changed. `storage` holds the text of the range.
void append_part_request(wire::http::ByteRange missing, std::string_view tag, std::string& storage,
                         wire::http::Fields& out);

enum class PartOutcome : std::uint8_t {
  kPart,      // bytes of the stored representation, from the first one that was asked for
  kChanged,   // a part of another representation: what is stored is stale, fetch anew
  kWhole,     // the origin sent all of it: store that in place of the parts
  kUnusable,  // neither: pass it on
};

// `record` and `tag` are of the answer to a request for `asked`; `stored` and `stored_tag` of the
// parts that are there already.
PartOutcome judge_part(const model::StoredResponse& record, std::string_view tag,
                       const model::StoredResponse& stored, std::string_view stored_tag,
                       wire::http::ByteRange asked);

// Two parts of one representation: the same strong tag and the same complete length.
bool may_combine(const model::StoredResponse& a, std::string_view a_tag,
                 const model::StoredResponse& b, std::string_view b_tag);

// The bytes that two such parts hold together; none when there is a gap between them.
std::optional<wire::http::ByteRange> joined_range(const model::StoredResponse& a,
                                                  const model::StoredResponse& b);

// The record of the joined parts: that of the newer one, a 200 once it holds all. Its fields are
// the newer one's too, without Content-Range, and with a Content-Length of what is held.
model::StoredResponse combine(const model::StoredResponse& newer, wire::http::ByteRange joined);

}  // namespace headgate::decide::cache
