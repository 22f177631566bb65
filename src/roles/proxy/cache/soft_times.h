#pragma once
// When soft purges came, for a stored response of which is known that one of them hit it, but not
// which: it counts as stale since the first one after it arrived. Bounded: beyond kTimesMax the two
// oldest become one span, in which there may have been a purge at any time. Not thread safe.
#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "base/time.h"

namespace headgate::proxy {

class SoftTimes {
 public:
  struct Span {
    WallTime first, last;
  };
  static constexpr std::size_t kTimesMax = 256;

  void add(Span span) {
    const auto next = std::find_if(spans_.begin(), spans_.end(),
                                   [&](const Span& one) { return one.last >= span.first; });
    if (next != spans_.end() && next->first <= span.last) {
      next->first = std::min(next->first, span.first);
      next->last = std::max(next->last, span.last);
    } else {
      spans_.insert(next, span);
    }
    if (spans_.size() <= kTimesMax) return;
    spans_[1].first = spans_[0].first;
    spans_.erase(spans_.begin());
  }

  // None: no purge is later, so the clock was set back since.
  std::optional<WallTime> first_after(WallTime time) const {
    for (const Span& span : spans_)
      if (span.last > time) return std::max(span.first, time);
    return std::nullopt;
  }

  const std::vector<Span>& spans() const { return spans_; }

 private:
  std::vector<Span> spans_;  // oldest first, apart from each other
};

}  // namespace headgate::proxy
