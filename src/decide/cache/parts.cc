#include "decide/cache/parts.h"

namespace headgate::decide::cache {
void append_part(std::string& out, char tag, std::string_view text) {
  const auto length = static_cast<std::uint32_t>(text.size());
  const char head[kPartHeadBytes] = {tag, static_cast<char>(length), static_cast<char>(length >> 8),
                                     static_cast<char>(length >> 16),
                                     static_cast<char>(length >> 24)};
  out.append(head, kPartHeadBytes);
  out += text;
}

bool Parts::next(char& tag, std::string_view& text) {
  if (rest_.empty()) return false;
  is_sound_ = is_sound_ && rest_.size() >= kPartHeadBytes;
  if (!is_sound_) return false;
  tag = rest_[0];
  std::uint32_t length = 0;
  for (std::size_t i = 4; i >= 1; --i) length = length << 8 | static_cast<unsigned char>(rest_[i]);
  is_sound_ = length <= rest_.size() - kPartHeadBytes;
  if (!is_sound_) return false;
  text = rest_.substr(kPartHeadBytes, length);
  rest_.remove_prefix(kPartHeadBytes + length);
  return true;
}

}  // namespace headgate::decide::cache
