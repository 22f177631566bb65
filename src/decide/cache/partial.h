#pragma once
// A representation in parts (RFC 9111 §3.3, §3.4; RFC 9110 §15.3.7.3): when a response may be
// fetched in parts, asking for one, judging what came. Pure.
#include <cstdint>
#include <string>
#include <string_view>

#include "model/stored_response.h"
#include "wire/http/field.h"
#include "wire/http/range.h"

namespace headgate::decide::cache {

// Whether the origin says all that is needed to fetch `whole` part by part: that it serves ranges,
// how long it is, and a strong tag, by which parts of one representation are known.
bool is_fetched_in_parts(const model::StoredResponse& whole, const wire::http::Fields& response);

// Appends Range, and If-Range with the strong tag: the whole comes back when the representation has
// changed. `storage` holds the text of the range.
void append_part_request(wire::http::ByteRange asked, std::string_view tag, std::string& storage,
                         wire::http::Fields& out);

enum class PartOutcome : std::uint8_t {
  kPart,      // the bytes that were asked for, of this representation
  kChanged,   // of another representation, all of one, or that there are no such bytes: what is
              // stored is outdated, or the origin does not serve parts of it after all
  kUnusable,  // anything else: it says nothing about what is stored
};

// `record` and `tag` are of the answer to a request for `asked`; `whole` and `whole_tag` of what it
// is to be a part of.
PartOutcome judge_part(const model::StoredResponse& record, std::string_view tag,
                       const model::StoredResponse& whole, std::string_view whole_tag,
                       wire::http::ByteRange asked);

}  // namespace headgate::decide::cache
