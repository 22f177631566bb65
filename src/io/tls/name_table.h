#pragma once
// Host name patterns to indices, most specific first: the exact name, then the longest "*.suffix"
// (one or more labels in place of the star), then "" for any name. Immutable after filling; lookups
// do not allocate.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/hash.h"
#include "base/result.h"

namespace headgate::io::tls {

class NameTable {
 public:
  // Code::kInvalid: not a host name pattern, or added before.
  Status add(std::string_view pattern, std::uint32_t index);
  // `name` is lower case, without a trailing dot.
  std::optional<std::uint32_t> find(std::string_view name) const;
  std::optional<std::uint32_t> any() const { return any_; }

 private:
  using Map = std::unordered_map<std::string, std::uint32_t, StringHash, std::equal_to<>>;
  Map exact_;
  Map suffixes_;  // ".example.com"
  std::optional<std::uint32_t> any_;
};

// RFC 9525 §6.3: a star stands for exactly one whole leftmost label. Both lower case.
bool certificate_name_matches(std::string_view pattern, std::string_view name);

}  // namespace headgate::io::tls
