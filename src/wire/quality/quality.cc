#include "wire/quality/quality.h"

#include <algorithm>

#include "base/ascii.h"

namespace headgate::wire::quality {
namespace {

// Takes the text up to a separator that stands outside of a quoted string; none when a quote never
// ends.
std::optional<std::string_view> take_unquoted(std::string_view& rest, char separator) {
  bool quoted = false;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const char c = rest[i];
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == separator && !quoted) {
      const std::string_view piece = rest.substr(0, i);
      rest.remove_prefix(i + 1);
      return piece;
    }
  }
  if (quoted) return std::nullopt;
  const std::string_view piece = rest;
  rest = {};
  return piece;
}

bool is_weight(std::string_view parameter) {
  return parameter.size() >= 2 && to_lower(parameter[0]) == 'q' && parameter[1] == '=';
}

}  // namespace

std::optional<std::uint16_t> parse_weight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  unsigned weight = text[0] == '1' ? 1000 : 0;
  unsigned unit = 100;
  for (std::size_t i = 2; i < text.size(); ++i, unit /= 10) {
    if (!is_digit(text[i])) return std::nullopt;
    weight += unit * static_cast<unsigned>(text[i] - '0');
  }
  if (weight > 1000) return std::nullopt;
  return static_cast<std::uint16_t>(weight);
}

std::optional<Element> List::next() {
  while (!malformed_ && !rest_.empty()) {
    const auto piece = take_unquoted(rest_, ',');
    malformed_ = !piece;
    if (malformed_) break;
    const std::string_view text = trim_ows(*piece);
    if (text.empty()) continue;
    const auto element = ++elements_ > kElementsMax ? std::nullopt : parse_element(text);
    malformed_ = !element;
    return element;
  }
  return std::nullopt;
}

// value *( OWS ";" OWS parameter ), the weight being the last parameter that matters: what follows
// it are extensions of Accept that RFC 9110 dropped, and they are ignored.
std::optional<Element> List::parse_element(std::string_view text) {
  Element element;
  const auto value = take_unquoted(text, ';');
  if (!value) return std::nullopt;
  element.value = trim_ows(*value);
  if (element.value.empty() || element.value.find_first_of(" \t\"") != std::string_view::npos)
    return std::nullopt;
  const std::string_view parameters = text;
  std::size_t parameters_end = parameters.size();
  while (!text.empty()) {
    const std::size_t at = static_cast<std::size_t>(text.data() - parameters.data());
    const auto piece = take_unquoted(text, ';');
    if (!piece) return std::nullopt;
    const std::string_view parameter = trim_ows(*piece);
    if (!is_weight(parameter)) continue;
    const auto weight = parse_weight(parameter.substr(2));
    if (!weight) return std::nullopt;
    element.weight = *weight;
    parameters_end = at == 0 ? 0 : at - 1;
    break;
  }
  element.parameters = trim_ows(parameters.substr(0, parameters_end));
  return element;
}

}  // namespace headgate::wire::quality
