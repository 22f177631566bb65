#pragma once
// The shape of an answer from a stored response: whole, parts, 304 or 416, with or without content
// (RFC 9110 §13.2.2: conditions first, then the range; RFC 9111 §4, HEAD from a stored GET). One
// call a hit; no allocation. Pure.
#include <cstdint>
#include <string_view>

#include "decide/cache/request.h"
#include "model/stored_response.h"
#include "wire/http/range.h"

namespace headgate::decide::cache {

struct Answer {
  int status = 200;               // the stored one, or 206, 304, 416
  bool has_content = true;        // false for HEAD, 304, 416 and statuses without content
  wire::http::ByteRanges ranges;  // of a 206: one, or several as multipart/byteranges
};

// `tag`: the ETag of the stored response, or empty.
Answer answer_from_store(const wire::http::Fields& request, const RequestFacts& facts,
                         const model::StoredResponse& stored, std::string_view tag);

}  // namespace headgate::decide::cache
