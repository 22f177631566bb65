#include "decide/cache/parts.h"

#include "base/append.h"

namespace headgate::decide::cache {
namespace {

char* put_length(char* at, std::size_t length) {
  const char bytes[] = {static_cast<char>(length), static_cast<char>(length >> 8),
                        static_cast<char>(length >> 16), static_cast<char>(length >> 24)};
  return put(at, {bytes, sizeof bytes});
}

}  // namespace

void append_part(std::string& out, char tag, std::string_view text) {
  append_with(out, kPartHeadBytes + text.size(), [&](char* at) {
    *at = tag;
    put(put_length(at + 1, text.size()), text);
  });
}

std::size_t begin_part(std::string& out, char tag) {
  append_with(out, kPartHeadBytes, [&](char* at) { put_length(at + 1, 0), *at = tag; });
  return out.size();
}

void end_part(std::string& out, std::size_t text_begin) {
  put_length(out.data() + text_begin - kPartHeadBytes + 1, out.size() - text_begin);
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
