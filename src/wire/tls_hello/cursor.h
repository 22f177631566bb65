#pragma once
// Reads big-endian numbers and length-prefixed vectors from the front of a text. A read past the
// end sets `failed` and gives zero or nothing, so a parser checks once at the end of a structure.
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headgate::wire::tls_hello {

class Cursor {
 public:
  explicit Cursor(std::string_view in) : rest_(in) {}
  bool failed() const { return failed_; }
  bool empty() const { return rest_.empty(); }

  std::string_view bytes(std::size_t size) {
    if (rest_.size() < size) {
      failed_ = true;
      rest_ = {};
      return {};
    }
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }
  std::uint32_t number(std::size_t size) {
    std::uint32_t value = 0;
    for (const char c : bytes(size)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  // A vector whose length stands before it in `length_size` bytes.
  std::string_view vector(std::size_t length_size) { return bytes(number(length_size)); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace headgate::wire::tls_hello
