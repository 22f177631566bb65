#pragma once
// What is wrong with a configuration, in words that its author can act on. Collected, never thrown:
// one run shows all.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/limits.h"

namespace headgate::config {

enum class Severity : std::uint8_t {
  kError,
  kWarning
};  // a warning does not keep a configuration from being served

struct Problem {
  Severity severity = Severity::kError;
  std::string file;        // empty: the object did not come from a file
  int line = 0;            // from 1; 0: unknown
  std::string object;      // "HTTPRoute default/shop"; empty: the text is no object
  std::string path;        // "spec.rules[0].matches[0].path.type"; empty: the object as a whole
  std::string message;     // "expected one of Exact, PathPrefix, RegularExpression, got 'Prefix'"
  std::string suggestion;  // the name that was probably meant; empty: none
};

// "shop.yaml:12: HTTPRoute default/shop: spec.rules[0]: expected ...; did you mean 'x'?"
std::string to_string(const Problem& problem);

// "an Upstream", "a Gateway".
std::string with_article(std::string_view kind);

class Problems {
 public:
  void add(Problem problem);
  const std::vector<Problem>& all() const { return all_; }
  std::size_t errors() const { return errors_; }
  std::size_t warnings() const { return warnings_; }
  std::size_t dropped() const { return errors_ + warnings_ - all_.size(); }
  // By file, line, object, path: the order in which a person repairs.
  void sort();

 private:
  std::vector<Problem> all_;
  std::size_t errors_ = 0, warnings_ = 0;
};

}  // namespace headgate::config
