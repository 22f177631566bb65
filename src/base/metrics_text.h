#pragma once
// Writes the Prometheus text exposition format (version 0.0.4): families in order, HELP and TYPE once, samples with escaped
// label values. A value object of the scrape; whoever counts writes its numbers into it.
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/counter.h"

namespace headgate {

struct Label {
  std::string_view name, value;
};

class MetricsText {
 public:
  using Labels = std::initializer_list<Label>;
  // Begins a family; its samples follow. `type`: counter, gauge or histogram. Names: headgate_<what>_<unit>[_total].
  void family(std::string_view name, std::string_view type, std::string_view help);
  void sample(Labels labels, std::uint64_t value);
  void sample(Labels labels, double value);
  // Cumulative buckets in seconds at powers of two between 64 µs and 128 s, then _sum and _count.
  void histogram(Labels labels, const Histogram* const* parts, std::size_t count);
  const std::string& text() const { return out_; }

 private:
  void begin_sample(std::string_view suffix, Labels labels, std::string_view le);
  std::string out_;
  std::string family_;
};

}  // namespace headgate
