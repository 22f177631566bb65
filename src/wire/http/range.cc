#include "wire/http/range.h"

#include <algorithm>
#include <limits>

#include "base/ascii.h"
#include "wire/http/element_list.h"

namespace headgate::wire::http {
namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

// Digits alone; a number too large for 64 bits is the largest, which lies behind every end.
std::optional<std::uint64_t> parse_position(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (!std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  const std::size_t zeros = std::min(text.find_first_not_of('0'), text.size() - 1);
  return parse_decimal(text.substr(zeros)).value_or(kMax);
}

// "bytes=" or "bytes ": the unit, case-insensitive, is taken off.
bool take_unit(std::string_view& value, char separator) {
  constexpr std::string_view kUnit = "bytes";
  if (value.size() <= kUnit.size() || value[kUnit.size()] != separator) return false;
  if (!equals_ignore_case(value.substr(0, kUnit.size()), kUnit)) return false;
  value.remove_prefix(kUnit.size() + 1);
  return true;
}

std::optional<RangeSpec> parse_spec(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view first = text.substr(0, dash), last = text.substr(dash + 1);
  RangeSpec spec{parse_position(first), parse_position(last)};
  if (spec.first.has_value() == first.empty() || spec.last.has_value() == last.empty())
    return std::nullopt;
  if (!spec.first && !spec.last) return std::nullopt;
  if (spec.first && spec.last && *spec.first > *spec.last) return std::nullopt;
  return spec;
}

std::optional<ByteRange> resolve_one(const RangeSpec& spec, std::uint64_t length) {
  if (!spec.first) {
    const std::uint64_t suffix = std::min(*spec.last, length);
    if (suffix == 0) return std::nullopt;
    return ByteRange{length - suffix, length - 1};
  }
  if (*spec.first >= length) return std::nullopt;
  return ByteRange{*spec.first, std::min(spec.last.value_or(kMax), length - 1)};
}

// Neither end reaches kMax, which no position below a length is.
bool is_near(ByteRange a, ByteRange b) {
  const ByteRange& left = a.first <= b.first ? a : b;
  const ByteRange& right = a.first <= b.first ? b : a;
  return right.first <= left.last || right.first - left.last <= kRangeGapMax + 1;
}

// Joins `range` with all that it is near to; the joined one takes the place of the first of them.
void add_joined(ByteRanges& out, ByteRange range) {
  std::size_t place = out.count;
  for (std::size_t i = 0; i < out.count;) {
    if (!is_near(out.items[i], range)) {
      ++i;
      continue;
    }
    range = {std::min(out.items[i].first, range.first), std::max(out.items[i].last, range.last)};
    place = std::min(place, i);
    std::copy(out.items.begin() + i + 1, out.items.begin() + out.count, out.items.begin() + i);
    --out.count;
    i = 0;
  }
  place = std::min(place, out.count);
  std::copy_backward(out.items.begin() + place, out.items.begin() + out.count,
                     out.items.begin() + out.count + 1);
  out.items[place] = range;
  ++out.count;
}

}  // namespace

std::optional<RangeSpecs> parse_range(std::string_view value) {
  if (!take_unit(value, '=')) return std::nullopt;
  RangeSpecs specs;
  ElementList list(value);
  for (std::string_view element; list.next(element);) {
    if (element.empty()) continue;
    const auto spec = parse_spec(element);
    if (!spec || !specs.push(*spec)) return std::nullopt;
  }
  if (specs.count == 0) return std::nullopt;
  return specs;
}

RangeFit resolve(const RangeSpecs& specs, std::uint64_t complete_length, ByteRanges& out) {
  out.count = 0;
  for (const RangeSpec& spec : specs) {
    if (complete_length == 0 && !spec.first && *spec.last > 0) return RangeFit::kWhole;
    if (const auto range = resolve_one(spec, complete_length)) add_joined(out, *range);
  }
  return out.count > 0 ? RangeFit::kSome : RangeFit::kNone;
}

std::optional<ContentRange> parse_content_range(std::string_view value) {
  if (!take_unit(value, ' ')) return std::nullopt;
  const std::size_t slash = value.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  std::string_view range = value.substr(0, slash);
  const std::string_view length = value.substr(slash + 1);
  ContentRange out;
  if (length != "*") {
    out.complete_length = parse_decimal(length);
    if (!out.complete_length) return std::nullopt;
  }
  if (range == "*") return out.complete_length ? std::optional(out) : std::nullopt;
  const auto first = parse_decimal(take_until(range, '-')), last = parse_decimal(range);
  if (!first || !last || *first > *last || *last == kMax) return std::nullopt;
  if (out.complete_length && *last >= *out.complete_length) return std::nullopt;
  out.range = {*first, *last};
  return out;
}

void append_content_range(std::string& out, ByteRange range, std::uint64_t complete_length) {
  out += "bytes ";
  append_decimal(out, range.first);
  out += '-';
  append_decimal(out, range.last);
  out += '/';
  append_decimal(out, complete_length);
}

void append_unsatisfied_range(std::string& out, std::uint64_t complete_length) {
  out += "bytes */";
  append_decimal(out, complete_length);
}

}  // namespace headgate::wire::http
