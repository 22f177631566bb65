#include "wire/uri/query.h"

#include "wire/uri/percent.h"

namespace headgate::wire::uri {
namespace {

// Decodes one character at the front and moves past it.
char take_char(std::string_view& rest) {
  char c = rest.front();
  std::size_t used = 1;
  if (c == '+') {
    c = ' ';
  } else if (c == '%') {
    if (const int byte = escaped_byte(rest, 0); byte >= 0) {
      c = static_cast<char>(byte);
      used = 3;
    }
  }
  rest.remove_prefix(used);
  return c;
}

}  // namespace

bool QueryPairs::next(QueryPair& pair) {
  while (!rest_.empty() && seen_ < kQueryPairsMax) {
    std::string_view piece = take_until(rest_, '&');
    if (piece.empty()) continue;
    ++seen_;
    pair.name = take_until(piece, '=');
    pair.value = piece;
    return true;
  }
  return false;
}

bool query_text_equals(std::string_view encoded, std::string_view plain) {
  for (const char expected : plain)
    if (encoded.empty() || take_char(encoded) != expected) return false;
  return encoded.empty();
}

void append_query_text(std::string& out, std::string_view encoded) {
  while (!encoded.empty()) out.push_back(take_char(encoded));
}

std::optional<std::string_view> find_query_value(std::string_view query, std::string_view name) {
  QueryPairs pairs(query);
  for (QueryPair pair; pairs.next(pair);)
    if (query_text_equals(pair.name, name)) return pair.value;
  return std::nullopt;
}

}  // namespace headgate::wire::uri
