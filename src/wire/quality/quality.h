#pragma once
// Lists of Accept, Accept-Encoding, Accept-Language and TE: elements with an optional weight (RFC
// 9110 §12.4.2). Views point into the header value; nothing allocates.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace headgate::wire::quality {

inline constexpr std::size_t kElementsMax = 64;  // later ones make the list malformed

struct Element {
  std::string_view value;       // "gzip", "text/html", "*"; never empty
  std::string_view parameters;  // between value and weight: "level=1"; trimmed, may be empty
  std::uint16_t weight = 1000;  // thousandths; 0 means "not acceptable"
};

// "0", "0.8", "1.000": thousandths. At most three decimals, nothing above one.
std::optional<std::uint16_t> parse_weight(std::string_view text);

// Empty elements are skipped, as recipients must (RFC 9110 §5.6.1). The first malformed element
// ends the list.
class List {
 public:
  explicit List(std::string_view value) : rest_(value) {}
  std::optional<Element> next();
  bool malformed() const { return malformed_; }

 private:
  std::optional<Element> parse_element(std::string_view text);
  std::string_view rest_;
  std::size_t elements_ = 0;
  bool malformed_ = false;
};

}  // namespace headgate::wire::quality
