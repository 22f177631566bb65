#pragma once
// Base64 (RFC 4648 §4, padded) and base64url (§5, never padded). Decoding is strict: one text for
// each value, so no white space, exact padding, zero unused bits, only the alphabet. What else
// decodes is none, not a best guess.
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::wire::base64 {

constexpr std::size_t encoded_bytes(std::size_t bytes) { return (bytes + 2) / 3 * 4; }  // padded

void append_encoded(std::string& out, std::string_view bytes);
void append_encoded_url(std::string& out, std::string_view bytes);
std::string encode(std::string_view bytes);
std::string encode_url(std::string_view bytes);

std::optional<std::string> decode(std::string_view text);
std::optional<std::string> decode_url(std::string_view text);

}  // namespace headgate::wire::base64
