#pragma once
// Length-prefixed parts: how keys are written, so that no value can be taken for two or for the
// name of another ("ab", "c" is not "a", "bc"; an absent part is not an empty one). The bytes are
// the same on every machine, because they are written to disk. Pure.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::decide::cache {

inline constexpr std::uint32_t kPartHeadBytes = 5;  // the tag, and the length, lowest byte first

void append_part(std::string& out, char tag, std::string_view text);

// A part whose text is written in between, at the end of `out`: begin_part() says where it begins.
std::size_t begin_part(std::string& out, char tag);
void end_part(std::string& out, std::size_t text_begin);

// Reads what append_part wrote. False at the end and where the bytes are no part: is_sound() tells
// which.
class Parts {
 public:
  explicit Parts(std::string_view bytes) : rest_(bytes) {}
  bool next(char& tag, std::string_view& text);
  bool is_sound() const { return is_sound_; }

 private:
  std::string_view rest_;
  bool is_sound_ = true;
};

}  // namespace headgate::decide::cache
