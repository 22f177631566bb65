#pragma once
// A place inside one object: a chain of stack frames from the root, so that walking down costs no
// allocation; text and line are made only when a problem is reported. A Place refers to its parent
// and must not outlive it.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "config/problem.h"

namespace headgate::config {

// Hash of a place -> line within its document. 12 bytes a node instead of a tree of names: a lookup
// happens only when something is wrong.
class Lines {
 public:
  void add(std::uint64_t place, int line) { lines_.emplace_back(place, line); }
  void seal();                          // before the first find
  int find(std::uint64_t place) const;  // 0: unknown
  void clear() { lines_.clear(); }

 private:
  std::vector<std::pair<std::uint64_t, int>> lines_;
};

constexpr std::uint64_t kRootPlace = 0x9ae16a3b2f90404fULL;
inline std::uint64_t place_of(std::uint64_t parent, std::string_view key) {
  return hash64(key, parent);
}
inline std::uint64_t place_of(std::uint64_t parent, std::size_t index) {
  return scramble64(parent + index + 1);
}

// Where problems of one object go.
struct Report {
  Problems* problems = nullptr;
  std::string_view file, object;
  const Lines* lines = nullptr;
  std::uint64_t root = kRootPlace;
  int first_line = 1;  // in the file, of the document that `lines` is of
  int line = 0;        // of the object; used where nothing nearer is known
};

class Place {
 public:
  explicit Place(const Report& report) : report_(&report), hash_(report.root) {}
  Place(const Place& parent, std::string_view key)
      : report_(parent.report_), parent_(&parent), key_(key), hash_(place_of(parent.hash_, key)) {}
  Place(const Place& parent, std::size_t index)
      : report_(parent.report_),
        parent_(&parent),
        index_(index),
        hash_(place_of(parent.hash_, index)) {}

  std::string path() const;
  int line() const;
  void error(std::string message, std::string_view suggestion = {}) const;
  void warning(std::string message) const;
  const Report& report() const { return *report_; }

 private:
  void add(Severity severity, std::string message, std::string_view suggestion) const;
  const Report* report_;
  const Place* parent_ = nullptr;
  std::string_view key_;  // empty: an array index
  std::size_t index_ = 0;
  std::uint64_t hash_ = kRootPlace;
};

}  // namespace headgate::config
