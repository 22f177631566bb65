#include "wire/http/structured_field.h"

#include <algorithm>

#include "base/ascii.h"
#include "wire/base64/base64.h"
#include "wire/http/text.h"

namespace headgate::wire::http {
namespace {

using Type = SfBareItem::Type;

constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_key_start(char c) { return is_lower(c) || c == '*'; }
constexpr bool is_key_char(char c) {
  return is_key_start(c) || is_digit(c) || c == '_' || c == '-' || c == '.';
}
constexpr bool is_token_start(char c) { return is_alpha(c) || c == '*'; }
constexpr bool is_sf_token_char(char c) { return is_token_char(c) || c == ':' || c == '/'; }

// Well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view s) {
  for (std::size_t i = 0; i < s.size();) {
    const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(s[k]); };
    const unsigned lead = byte(i);
    const std::size_t more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || s.size() - i <= more) return false;
    for (std::size_t k = 1; k <= more; ++k)
      if ((byte(i + k) & 0xc0) != 0x80) return false;
    const unsigned second = more > 0 ? byte(i + 1) : 0;
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
        (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f))
      return false;
    i += more + 1;
  }
  return true;
}

// Each step returns false where the field fails; the names are those of RFC 9651 §4.2.
class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) { skip_spaces(); }

  bool item(SfItem& out) { return bare_item(out.value) && parameters(out.parameters); }

  bool list(std::vector<SfMember>& out) {
    while (!rest_.empty()) {
      if (out.size() == kSfMembersMax || !item_or_inner_list(out.emplace_back())) return false;
      if (!next_member()) return false;
    }
    return true;
  }

  bool dictionary(std::vector<SfMember>& out) {
    while (!rest_.empty()) {
      SfMember member;
      if (!key(member.key)) return false;
      if (take('=') ? !item_or_inner_list(member) : !implied_true(member)) return false;
      const auto same = std::find_if(out.begin(), out.end(),
                                     [&](const SfMember& m) { return m.key == member.key; });
      if (same != out.end())
        *same = std::move(member);
      else if (out.size() == kSfMembersMax)
        return false;
      else
        out.push_back(std::move(member));
      if (!next_member()) return false;
    }
    return true;
  }

  // Whether nothing but spaces is left.
  bool at_end() {
    skip_spaces();
    return rest_.empty();
  }

 private:
  bool take(char c) {
    const bool is_there = rest_.starts_with(c);
    if (is_there) rest_.remove_prefix(1);
    return is_there;
  }
  void skip_spaces() { rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size())); }

  // Moves over the comma between two members; a comma at the end fails.
  bool next_member() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size()));
    if (rest_.empty()) return true;
    if (!take(',')) return false;
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size()));
    return !rest_.empty();
  }

  bool implied_true(SfMember& out) { return parameters(out.items.emplace_back().parameters); }

  bool item_or_inner_list(SfMember& out) {
    if (!take('(')) return item(out.items.emplace_back());
    out.is_inner_list = true;
    for (;;) {
      skip_spaces();
      if (take(')')) return parameters(out.parameters);
      if (out.items.size() == kSfInnerItemsMax || !item(out.items.emplace_back())) return false;
      if (!rest_.starts_with(' ') && !rest_.starts_with(')')) return false;
    }
  }

  bool parameters(SfParameters& out) {
    while (take(';')) {
      skip_spaces();
      SfParameter parameter;
      if (!key(parameter.key)) return false;
      if (take('=') && !bare_item(parameter.value)) return false;
      const auto same = std::find_if(out.begin(), out.end(),
                                     [&](const SfParameter& p) { return p.key == parameter.key; });
      if (same != out.end())
        same->value = std::move(parameter.value);
      else if (out.size() == kSfParametersMax)
        return false;
      else
        out.push_back(std::move(parameter));
    }
    return true;
  }

  bool key(std::string& out) {
    if (rest_.empty() || !is_key_start(rest_.front())) return false;
    out = take_while(is_key_char);
    return true;
  }

  template <typename Predicate>
  std::string_view take_while(Predicate accepts) {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), accepts);
    const std::string_view piece = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(piece.size());
    return piece;
  }

  bool bare_item(SfBareItem& out) {
    if (rest_.empty()) return false;
    const char c = rest_.front();
    if (c == '-' || is_digit(c)) return number(out);
    if (is_token_start(c)) return token(out);
    rest_.remove_prefix(1);
    switch (c) {
      case '"': return string(out);
      case ':': return byte_sequence(out);
      case '?': return boolean(out);
      case '@': return date(out);
      case '%': return display_string(out);
      default: return false;
    }
  }

  bool number(SfBareItem& out) {
    const bool negative = take('-');
    const std::string_view whole = take_while(is_digit);
    if (whole.empty() || whole.size() > 15) return false;
    out.type = Type::kInteger;
    out.number = static_cast<std::int64_t>(*parse_decimal(whole));
    if (take('.')) {
      const std::string_view fraction = take_while(is_digit);
      if (whole.size() > 12 || fraction.empty() || fraction.size() > 3) return false;
      constexpr std::int64_t kScale[] = {0, 100, 10, 1};
      out.type = Type::kDecimal;
      out.number = out.number * 1000 +
                   static_cast<std::int64_t>(*parse_decimal(fraction)) * kScale[fraction.size()];
    }
    if (negative) out.number = -out.number;
    return true;
  }

  bool token(SfBareItem& out) {
    out = {Type::kToken, 0, std::string(take_while(is_sf_token_char))};
    return true;
  }

  bool string(SfBareItem& out) {
    out = {Type::kString, 0, {}};
    while (!rest_.empty()) {
      char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (c == '\\') {
        if (!rest_.starts_with('"') && !rest_.starts_with('\\')) return false;
        c = rest_.front();
        rest_.remove_prefix(1);
      } else if (c < 0x20 || c > 0x7e) {
        return false;
      }
      out.text.push_back(c);
    }
    return false;
  }

  bool byte_sequence(SfBareItem& out) {
    const std::size_t end = rest_.find(':');
    if (end == std::string_view::npos) return false;
    out = {Type::kByteSequence, 0, {}};
    const auto decoded = base64::decode(rest_.substr(0, end));
    if (!decoded) return false;
    out.text = *decoded;
    rest_.remove_prefix(end + 1);
    return true;
  }

  bool boolean(SfBareItem& out) {
    const bool is_one = take('1');
    if (!is_one && !take('0')) return false;
    out = {Type::kBoolean, is_one ? 1 : 0, {}};
    return true;
  }

  bool date(SfBareItem& out) {
    if (!number(out) || out.type != Type::kInteger) return false;
    out.type = Type::kDate;
    return true;
  }

  bool display_string(SfBareItem& out) {
    if (!take('"')) return false;
    out = {Type::kDisplayString, 0, {}};
    while (!rest_.empty()) {
      char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return is_utf8(out.text);
      if (c < 0x20 || c > 0x7e) return false;
      if (c == '%' && !escape(c)) return false;
      out.text.push_back(c);
    }
    return false;
  }

  bool escape(char& c) {  // two lower-case digits
    if (rest_.size() < 2 || is_upper(rest_[0]) || is_upper(rest_[1])) return false;
    const int high = hex_value(rest_[0]), low = hex_value(rest_[1]);
    if (high < 0 || low < 0) return false;
    rest_.remove_prefix(2);
    c = static_cast<char>(high * 16 + low);
    return true;
  }

  std::string_view rest_;
};

}  // namespace

std::optional<SfItem> parse_sf_item(std::string_view text) {
  Parser parser(text);
  SfItem item;
  if (!parser.item(item) || !parser.at_end()) return std::nullopt;
  return item;
}

std::optional<std::vector<SfMember>> parse_sf_list(std::string_view text) {
  Parser parser(text);
  std::vector<SfMember> members;
  if (!parser.list(members)) return std::nullopt;
  return members;
}

std::optional<std::vector<SfMember>> parse_sf_dictionary(std::string_view text) {
  Parser parser(text);
  std::vector<SfMember> members;
  if (!parser.dictionary(members)) return std::nullopt;
  return members;
}

bool is_sf_token(std::string_view text) {
  return !text.empty() && is_token_start(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_sf_token_char(c); });
}

bool is_sf_string(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

void append_sf_string(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
}

}  // namespace headgate::wire::http
