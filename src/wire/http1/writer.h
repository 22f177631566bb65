#pragma once
// Writes the pieces of HTTP/1 messages at the end of a string. Nothing is checked here: the caller
// passes text that a parser or the configuration has found valid (is_token, is_field_value). Pure;
// allocates only when `out` has no room.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/http/field.h"

namespace headgate::wire::http1 {

inline constexpr std::string_view kLastChunk = "0\r\n\r\n";  // without trailers
inline constexpr std::string_view kCrlf = "\r\n";  // behind chunk data, and at the end of a head

void append_request_line(std::string& out, std::string_view method,
                         std::string_view target);  // "GET /x HTTP/1.1\r\n"
// Empty `reason`: the standard phrase. The space before an empty reason is written (RFC 9112 §4).
void append_status_line(std::string& out, int status, std::string_view reason);
void append_field(std::string& out, std::string_view name, std::string_view value);
void append_fields(std::string& out, const http::Fields& fields);
void append_content_length(std::string& out, std::uint64_t bytes);  // "content-length: 8\r\n"
void append_chunk_head(std::string& out,
                       std::size_t bytes);  // "1f40\r\n"; 0 would end the body, so bytes > 0

// RFC 9110 §15 and the registry of status codes; empty for a number without a phrase.
std::string_view reason_phrase(int status);

}  // namespace headgate::wire::http1
