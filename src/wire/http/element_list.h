#pragma once
// Walks a comma-separated list (RFC 9110 §5.6.1) whose elements hold no quoted commas: Connection,
// Transfer-Encoding, TE, Upgrade, Content-Length. A view over the caller's text; allocates nothing.
#include <string_view>

#include "base/ascii.h"

namespace headgate::wire::http {

class ElementList {
 public:
  explicit constexpr ElementList(std::string_view text) : rest_(text), more_(true) {}

  // The next element without white space around it; an empty element is given out as empty text.
  // False at the end.
  constexpr bool next(std::string_view& element) {
    if (!more_) return false;
    more_ = rest_.find(',') != std::string_view::npos;
    element = trim_ows(take_until(rest_, ','));
    return true;
  }

 private:
  std::string_view rest_;
  bool more_;
};

}  // namespace headgate::wire::http
