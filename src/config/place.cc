#include "config/place.h"

#include <fmt/format.h>

#include <algorithm>

namespace headgate::config {

void Lines::seal() {
  std::sort(lines_.begin(), lines_.end(), [](auto& a, auto& b) { return a.first < b.first; });
  lines_.shrink_to_fit();
}

int Lines::find(std::uint64_t place) const {
  const auto it =
      std::lower_bound(lines_.begin(), lines_.end(), place,
                       [](const auto& entry, std::uint64_t value) { return entry.first < value; });
  return it != lines_.end() && it->first == place ? it->second : 0;
}

std::string Place::path() const {
  if (!parent_) return {};
  std::string out = parent_->path();
  if (key_.empty()) return out + fmt::format("[{}]", index_);
  const bool plain =
      std::all_of(key_.begin(), key_.end(), [](char c) { return c != '.' && c != '['; });
  if (!plain) return out + fmt::format("[\"{}\"]", key_);
  if (!out.empty()) out += '.';
  return out.append(key_);
}

int Place::line() const {
  for (const Place* at = this; at && report_->lines; at = at->parent_)
    if (const int line = report_->lines->find(at->hash_)) return report_->first_line + line - 1;
  return report_->line;
}

void Place::add(Severity severity, std::string message, std::string_view suggestion) const {
  report_->problems->add({severity, std::string(report_->file), line(),
                          std::string(report_->object), path(), std::move(message),
                          std::string(suggestion)});
}
void Place::error(std::string message, std::string_view suggestion) const {
  add(Severity::kError, std::move(message), suggestion);
}
void Place::warning(std::string message) const { add(Severity::kWarning, std::move(message), {}); }

}  // namespace headgate::config
