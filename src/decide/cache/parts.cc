#include "decide/cache/parts.h"

namespace headgate::decide::cache {
namespace {

constexpr std::size_t kHeadBytes = 5;  // the tag, and the length with its lowest byte first

}  // namespace

void append_part(std::string& out, char tag, std::string_view text) {
  const auto length = static_cast<std::uint32_t>(text.size());
  const char head[kHeadBytes] = {tag, static_cast<char>(length), static_cast<char>(length >> 8),
                                 static_cast<char>(length >> 16), static_cast<char>(length >> 24)};
  out.append(head, kHeadBytes);
  out += text;
}

bool Parts::next(char& tag, std::string_view& text) {
  if (rest_.empty()) return false;
  is_sound_ = is_sound_ && rest_.size() >= kHeadBytes;
  if (!is_sound_) return false;
  tag = rest_[0];
  std::uint32_t length = 0;
  for (std::size_t i = 4; i >= 1; --i) length = length << 8 | static_cast<unsigned char>(rest_[i]);
  is_sound_ = length <= rest_.size() - kHeadBytes;
  if (!is_sound_) return false;
  text = rest_.substr(kHeadBytes, length);
  rest_.remove_prefix(kHeadBytes + length);
  return true;
}

}  // namespace headgate::decide::cache
