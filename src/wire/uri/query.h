#pragma once
// Walks the pairs of a query string (the text behind '?') as application/x-www-form-urlencoded text
// writes them. Views into the caller's text, undecoded; comparing decodes on the fly. Allocates
// nothing. Pure, any thread. At most kQueryPairsMax pairs are given out.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "wire/uri/limits.h"

namespace headgate::wire::uri {

struct QueryPair {
  std::string_view name, value;  // as sent; a pair without '=' has an empty value
};

class QueryPairs {
 public:
  explicit constexpr QueryPairs(std::string_view query) : rest_(query) {}
  // False at the end. Empty pairs ("a=1&&b=2") are skipped.
  bool next(QueryPair& pair);

 private:
  std::string_view rest_;
  std::uint32_t seen_ = 0;
};

// Whether `encoded` stands for `plain`: %XX decoded, '+' as a space. A malformed escape stands for
// itself.
bool query_text_equals(std::string_view encoded, std::string_view plain);

// Appends what `encoded` stands for, by the same rules.
void append_query_text(std::string& out, std::string_view encoded);

// The value, as sent, of the first pair whose name stands for `name`.
std::optional<std::string_view> find_query_value(std::string_view query, std::string_view name);

}  // namespace headgate::wire::uri
