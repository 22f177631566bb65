#include "base/metrics_text.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "base/check.h"

namespace headgate {

namespace {

constexpr int kFirstPower = 6;  // 2^6 µs
constexpr int kLastPower = 27;  // 2^27 µs, about 134 s
constexpr double kMicrosecond = 1e-6;

// Everything below 2^power µs lies in buckets below this one.
constexpr int buckets_below(int power) { return Histogram::bucket_of(std::uint64_t{1} << power); }
static_assert(Histogram::upper_bound(buckets_below(kFirstPower) - 1) == (1U << kFirstPower) - 1,
              "a power of two begins a bucket, so no bucket is split");
static_assert(buckets_below(kLastPower) < Histogram::kBuckets);

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '\\' || (quotes && c == '"')) out += '\\';
      out += c;
    }
  }
}

void append_number(std::string& out, double value) {
  if (std::isinf(value)) {
    out += value < 0 ? "-Inf" : "+Inf";
  } else if (std::isnan(value)) {
    out += "NaN";
  } else {
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
}

}  // namespace

void MetricsText::family(std::string_view name, std::string_view type, std::string_view help) {
  family_ = name;
  out_ += "# HELP ";
  out_ += name;
  out_ += ' ';
  append_escaped(out_, help, false);
  out_ += "\n# TYPE ";
  out_ += name;
  out_ += ' ';
  out_ += type;
  out_ += '\n';
}

void MetricsText::sample(Labels labels, std::uint64_t value) {
  begin_sample("", labels, "");
  fmt::format_to(std::back_inserter(out_), "{}\n", value);
}

void MetricsText::sample(Labels labels, double value) {
  begin_sample("", labels, "");
  append_number(out_, value);
  out_ += '\n';
}

void MetricsText::histogram(Labels labels, const Histogram* const* parts, std::size_t count) {
  std::array<std::uint64_t, Histogram::kBuckets> buckets{};
  std::uint64_t sum_us = 0;
  for (std::size_t part = 0; part < count; ++part) {
    for (int i = 0; i < Histogram::kBuckets; ++i)
      buckets[static_cast<std::size_t>(i)] += parts[part]->count_at(i);
    sum_us += parts[part]->sum_us();
  }
  std::uint64_t total = 0;
  int next = 0;
  const auto write = [&](int end, std::string_view bound) {
    for (; next < end; ++next) total += buckets[static_cast<std::size_t>(next)];
    begin_sample("_bucket", labels, bound);
    fmt::format_to(std::back_inserter(out_), "{}\n", total);
  };
  for (int power = kFirstPower; power <= kLastPower; ++power) {
    write(buckets_below(power), fmt::format("{}", static_cast<double>(1U << power) * kMicrosecond));
  }
  write(Histogram::kBuckets, "+Inf");
  begin_sample("_sum", labels, "");
  append_number(out_, static_cast<double>(sum_us) * kMicrosecond);
  out_ += '\n';
  begin_sample("_count", labels, "");
  fmt::format_to(std::back_inserter(out_), "{}\n", total);
}

void MetricsText::begin_sample(std::string_view suffix, Labels labels, std::string_view le) {
  HG_CHECK(!family_.empty(), "a sample without a family");
  out_ += family_;
  out_ += suffix;
  char separator = '{';
  const auto label = [&](std::string_view name, std::string_view value) {
    out_ += separator;
    out_ += name;
    out_ += "=\"";
    append_escaped(out_, value, true);
    out_ += '"';
    separator = ',';
  };
  for (const Label& l : labels) label(l.name, l.value);
  if (!le.empty()) label("le", le);
  out_ += separator == ',' ? "} " : " ";
}

}  // namespace headgate
