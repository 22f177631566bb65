#pragma once
// Cookies as a proxy meets them (RFC 6265): find or take out a pair of the Cookie field, write one
// Set-Cookie field. Reading follows §5.4 as browsers write it and leaves every byte of other pairs
// as it came; writing follows §4.1 strictly.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::wire::cookie {

inline constexpr std::size_t kSetCookieBytesMax =
    4096;  // name, value and attributes: what browsers keep (§6.1)

struct Pair {
  std::string_view name,
      value;  // trimmed; the value keeps its quotes; the name is empty when there was no '='
};

// Pairs of one Cookie field value, in order; empty pieces are skipped.
class Pairs {
 public:
  explicit Pairs(std::string_view field) : rest_(field) {}
  std::optional<Pair> next();

 private:
  std::string_view rest_;
};

// The first pair of that name; names are case-sensitive.
std::optional<std::string_view> find(std::string_view field, std::string_view name);

// Appends the field value without any pair of that name. Nothing appended means: send no Cookie
// field.
void append_without(std::string& out, std::string_view field, std::string_view name);

enum class SameSite : std::uint8_t { kUnset, kStrict, kLax, kNone };

struct SetCookie {
  std::string_view name, value;
  std::string_view path, domain;            // empty: attribute left out
  std::optional<std::int64_t> max_age_s{};  // zero or less deletes the cookie
  bool secure = false;
  bool http_only = false;
  bool partitioned = false;
  SameSite same_site = SameSite::kUnset;
};

// False, with nothing appended, for what a browser would drop or read otherwise: a name that is no
// token, a value or attribute with forbidden bytes, SameSite=None or Partitioned without Secure, a
// broken __Host- or __Secure- promise, too long.
bool append_set_cookie(std::string& out, const SetCookie& cookie);

}  // namespace headgate::wire::cookie
