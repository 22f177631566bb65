#pragma once
// SHA-256 of a text, as 32 raw bytes.
#include <string>
#include <string_view>

namespace headgate::config {

std::string sha256(std::string_view text);

}  // namespace headgate::config
