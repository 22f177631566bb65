#include "decide/cache/normalise.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "wire/quality/quality.h"

namespace headgate::decide::cache {
namespace {

using wire::http::Field;
using wire::http::FieldId;
using wire::http::Fields;
using wire::quality::Element;

// Before a value that was not understood: no normalised value begins with it.
constexpr char kAsReceived = '\x01';

void append_lower(std::string& out, std::string_view text) {
  for (const char c : text) out.push_back(to_lower(c));
}

template <typename Visit>
void for_each_line(const Fields& request, FieldId id, std::string_view name, Visit visit) {
  for (const Field& field : request)
    if (field.id == id && (id != FieldId::kOther || equals_ignore_case(field.name, name)))
      visit(field.value);
}

void append_joined(std::string& out, const Fields& request, FieldId id, std::string_view name) {
  const std::size_t begin = out.size();
  for_each_line(request, id, name, [&](std::string_view line) {
    if (out.size() > begin) out += ", ";
    out += line;
  });
}

// Elements of all lines. False when one line is malformed or there are too many.
template <typename Add>
bool read_elements(const Fields& request, FieldId id, std::string_view name, Add add) {
  bool is_read = true;
  for_each_line(request, id, name, [&](std::string_view line) {
    wire::quality::List list(line);
    while (const auto element = list.next()) is_read = add(*element) && is_read;
    is_read = is_read && !list.malformed();
  });
  return is_read;
}

constexpr std::size_t kCodingsMax = 16;  // a request with more is taken as it was received

struct Codings {
  std::array<Element, kCodingsMax> items;
  std::size_t count = 0;
  bool has_wildcard = false;  // "*" with a weight

  bool add(const Element& element);
  bool says_something(const Element& element) const;
};

std::string_view canonical_coding(std::string_view name) {
  if (equals_ignore_case(name, "x-gzip")) return "gzip";
  return equals_ignore_case(name, "x-compress") ? "compress" : name;
}

// A coding named twice counts with its lowest weight, as wire/content_coding reads it.
bool Codings::add(const Element& element) {
  if (!element.parameters.empty()) return false;
  const std::string_view name = canonical_coding(element.value);
  for (std::size_t i = 0; i < count; ++i) {
    if (!equals_ignore_case(items[i].value, name)) continue;
    items[i].weight = std::min(items[i].weight, element.weight);
    return true;
  }
  if (count == items.size()) return false;
  items[count++] = {name, {}, element.weight};
  return true;
}

// "gzip;q=0" says no more than its absence, unless "*" would let it in.
bool Codings::says_something(const Element& element) const {
  return element.weight > 0 || has_wildcard || element.value == "*" ||
         equals_ignore_case(element.value, "identity");
}

bool is_before(const Element& a, const Element& b) {
  if (a.weight != b.weight) return a.weight > b.weight;
  return std::lexicographical_compare(a.value.begin(), a.value.end(), b.value.begin(),
                                      b.value.end(),
                                      [](char x, char y) { return to_lower(x) < to_lower(y); });
}

// "br,gzip;identity!*": equals are joined by ',', the less wanted follow ';', the refused '!'.
void append_codings(std::string& out, Codings& codings) {
  const auto begin = codings.items.begin();
  auto end = begin + codings.count;
  codings.has_wildcard =
      std::any_of(begin, end, [](const Element& e) { return e.value == "*" && e.weight > 0; });
  end = std::remove_if(begin, end, [&](const Element& e) { return !codings.says_something(e); });
  std::sort(begin, end, is_before);
  int weight = -1;
  for (auto item = begin; item != end; ++item) {
    if (item->weight == 0 && weight != 0)
      out += '!';
    else if (weight >= 0)
      out += item->weight == weight ? ',' : ';';
    weight = item->weight;
    append_lower(out, item->value);
  }
}

bool append_accept_encoding(std::string& out, const Fields& request) {
  Codings codings;
  const bool is_read = read_elements(request, FieldId::kAcceptEncoding, {},
                                     [&](const Element& e) { return codings.add(e); });
  if (is_read) append_codings(out, codings);
  return is_read;
}

bool append_weighted(std::string& out, const Fields& request, FieldId id, std::string_view name) {
  const std::size_t begin = out.size();
  const bool is_read = read_elements(request, id, name, [&](const Element& element) {
    if (out.size() > begin) out += ',';
    append_lower(out, element.value);
    if (!element.parameters.empty()) out.append(";").append(element.parameters);
    if (element.weight == 1000) return true;
    out += ";q=";
    append_decimal(out, element.weight);
    return true;
  });
  if (!is_read) out.resize(begin);
  return is_read;
}

}  // namespace

bool append_normalised(std::string& out, const Fields& request, std::string_view name) {
  const FieldId id = wire::http::field_id(name);
  bool is_there = false;
  for_each_line(request, id, name, [&](std::string_view) { is_there = true; });
  if (!is_there) return false;
  const bool is_list = id == FieldId::kAccept || id == FieldId::kAcceptLanguage ||
                       equals_ignore_case(name, "accept-charset");
  if (id == FieldId::kAcceptEncoding) {
    if (append_accept_encoding(out, request)) return true;
    out += kAsReceived;
  } else if (is_list) {
    if (append_weighted(out, request, id, name)) return true;
    out += kAsReceived;
  }
  append_joined(out, request, id, name);
  return true;
}

}  // namespace headgate::decide::cache
