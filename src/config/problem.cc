#include "config/problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace headgate::config {

std::string to_string(const Problem& p) {
  std::string out;
  if (!p.file.empty()) out += p.line > 0 ? fmt::format("{}:{}: ", p.file, p.line) : p.file + ": ";
  if (p.severity == Severity::kWarning) out += "warning: ";
  if (!p.object.empty()) out += p.object + ": ";
  if (!p.path.empty()) out += p.path + ": ";
  out += p.message;
  if (!p.suggestion.empty()) out += fmt::format("; did you mean '{}'?", p.suggestion);
  return out;
}

std::string with_article(std::string_view kind) {
  // Kinds that begin with a spoken vowel: "an HTTPRoute", but "a UDPRoute".
  const bool vowel = kind.starts_with("HTTP") ||
                     (!kind.starts_with("UDP") && !kind.empty() &&
                      std::string_view("AEIOU").find(kind[0]) != std::string_view::npos);
  return fmt::format("{} {}", vowel ? "an" : "a", kind);
}

void Problems::add(Problem problem) {
  (problem.severity == Severity::kError ? errors_ : warnings_)++;
  if (all_.size() < kProblemsMax) all_.push_back(std::move(problem));
}

void Problems::sort() {
  std::sort(all_.begin(), all_.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.file, a.line, a.object, a.path, a.message) <
           std::tie(b.file, b.line, b.object, b.path, b.message);
  });
}

}  // namespace headgate::config
