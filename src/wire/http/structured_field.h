#pragma once
// Structured Fields (RFC 9651; RFC 8941 without its dates and display strings): a strict parser,
// where one wrong byte fails the whole field (RFC 9651 §4.2), and the writer of single values.
// Pure, any thread. Parsed values own their text. The several lines of a field are joined with ", "
// before parsing.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::wire::http {

// What RFC 9651 §3 asks a parser to take at least; more fails the field.
inline constexpr std::size_t kSfMembersMax = 1024, kSfInnerItemsMax = 256, kSfParametersMax = 256;
inline constexpr std::int64_t kSfIntegerMax = 999'999'999'999'999;

struct SfBareItem {
  enum class Type : std::uint8_t {
    kInteger,        // number
    kDecimal,        // number, in thousandths
    kString,         // text
    kToken,          // text
    kByteSequence,   // text, decoded
    kBoolean,        // number: 0 or 1
    kDate,           // number: seconds since 1970
    kDisplayString,  // text, UTF-8
  };
  Type type = Type::kBoolean;
  std::int64_t number = 1;
  std::string text;

  bool is_true() const { return type == Type::kBoolean && number == 1; }
};

struct SfParameter {
  std::string key;
  SfBareItem value;
};
using SfParameters = std::vector<SfParameter>;  // each key once, the last value

struct SfItem {
  SfBareItem value;
  SfParameters parameters;
};

// A member of a list or of a dictionary: an item, or an inner list of items.
struct SfMember {
  std::string key;  // of a dictionary's member
  bool is_inner_list = false;
  std::vector<SfItem> items;  // exactly one unless it is an inner list
  SfParameters parameters;    // of the inner list
};

std::optional<SfItem> parse_sf_item(std::string_view text);
std::optional<std::vector<SfMember>> parse_sf_list(std::string_view text);
// Each key once, in the place of its first and with the value of its last occurrence.
std::optional<std::vector<SfMember>> parse_sf_dictionary(std::string_view text);

bool is_sf_token(std::string_view text);
bool is_sf_string(std::string_view text);  // printable ASCII
// `text` must be an sf string; quotes and backslashes are escaped.
void append_sf_string(std::string& out, std::string_view text);

}  // namespace headgate::wire::http
