#include "wire/uri/percent.h"

namespace headgate::wire::uri {

void append_escape(std::string& out, unsigned char byte) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  const char escape[3] = {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  out.append(escape, sizeof escape);
}

void percent_encode(std::string& out, std::string_view text, CharClass plain) {
  for (const char c : text) {
    if (is_of(c, plain)) {
      out.push_back(c);
    } else {
      append_escape(out, static_cast<unsigned char>(c));
    }
  }
}

bool percent_decode(std::string& out, std::string_view text) {
  const std::size_t size_before = out.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const int byte = escaped_byte(text, i);
    if (byte < 0) {
      out.resize(size_before);
      return false;
    }
    out.push_back(static_cast<char>(byte));
    i += 2;
  }
  return true;
}

}  // namespace headgate::wire::uri
