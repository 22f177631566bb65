#pragma once
// Heads of HTTP/1.0 and HTTP/1.1 messages (RFC 9112), strict: there is no lenient mode. Lines end
// in CRLF alone, names are tokens, folded lines, stray controls and every doubt about framing are
// errors. Pure; any thread; views into `head`.
//
// Framing is taken out of the fields: Host, Content-Length and Transfer-Encoding are not in
// `out.fields`; `authority` and `framing` speak for them, and `framing.has_length` keeps the
// Content-Length of an answer to HEAD and of a 304.
//
// After an error the bytes that follow mean nothing: answer with its status and close.
#include <cstddef>
#include <expected>
#include <optional>
#include <string_view>

#include "wire/http/message.h"
#include "wire/http1/limits.h"

namespace headgate::wire::http1 {

struct HeadError {
  int status;               // requests: 400 414 417 431 501 505; parse_response_head: always 502
  std::string_view reason;  // static text, for the log
};

// Length of the head at the front of `buffer`, with its empty line and with one CRLF in front (RFC
// 9112 §2.2); nullopt when more bytes are needed. `scanned` is 0 for a new head, and else what the
// call before left there for the same, grown buffer, so that a slow peer costs linear time. For a
// response the caller turns any error into 502.
std::expected<std::optional<std::size_t>, HeadError> find_head_end(std::string_view buffer,
                                                                   std::size_t& scanned,
                                                                   const HeadLimits& limits);

// `head` is exactly what find_head_end measured. `out` is overwritten; its `fields` keep their
// capacity, so that a reused `out` costs no allocation. `target` is empty for CONNECT, and begins
// with '?' for an absolute-form without a path. On an error `out` holds no promise.
std::expected<void, HeadError> parse_request_head(std::string_view head, const HeadLimits& limits,
                                                  http::RequestHead& out);

// `request_method` decides whether content follows (RFC 9112 §6.3).
std::expected<void, HeadError> parse_response_head(std::string_view head,
                                                   http::Method request_method,
                                                   const HeadLimits& limits,
                                                   http::ResponseHead& out);

}  // namespace headgate::wire::http1
