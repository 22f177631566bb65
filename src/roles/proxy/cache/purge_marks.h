#pragma once
// The purges as an object on the disk is judged by them. It carries words (stamps): the moment at
// which its fetch began, then a hash of each of its labels. What was purged since is gone.
//
// Memory is bounded, and what is forgotten is forgotten towards too early: labels lie by hash in
// sets of four, and a set that is full merges its oldest into a floor, which holds for every label
// of that set (one of kSets). Beyond kPrefixesMax the oldest prefix becomes a purge of everything
// that is older. A value; the owner locks.
#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/memory/stamp.h"

namespace headgate::proxy {

// The time of purges and fetches: grows by at least one with each purge, over restarts as well. 0:
// not known, which every judge takes for gone.
using Moment = std::uint64_t;

class PurgeMarks {
 public:
  using Purge = store::memory::Purge;
  using Standing = store::memory::Standing;

  // The last purge of each kind of one thing.
  struct Moments {
    Moment hard = 0, soft = 0;
    Moment newest() const { return std::max(hard, soft); }
    void raise_to(Moments other) {
      hard = std::max(hard, other.hard);
      soft = std::max(soft, other.soft);
    }
    Standing of(Moment born) const { return {hard > born, soft > born}; }
    friend bool operator==(const Moments&, const Moments&) = default;
  };
  static Moments moments(Purge how, Moment at) {
    return how == Purge::kHard ? Moments{at, 0} : Moments{0, at};
  }
  struct Prefix {
    std::string text;
    Moments at;
  };
  static constexpr std::size_t kSets = 1 << 14, kWays = 4, kPrefixesMax = 1024;

  // Takes the memory for labels now rather than with the first of them.
  void prepare() { sets_.resize(kSets); }
  void add_label(std::uint64_t hash, Moments at);
  void add_prefix(std::string_view prefix, Moments at);
  void add_everything(Moments at) { everything_.raise_to(at); }
  void add_floor(std::size_t set, Moments at);  // of labels that were forgotten

  Standing of_labels(Moment born, std::span<const std::uint64_t> hashes) const;
  Standing of_locator(Moment born, std::string_view locator) const;

  // For a copy on the disk.
  const Moments& everything() const { return everything_; }
  const std::vector<Prefix>& prefixes() const { return prefixes_; }
  template <typename VisitLabel, typename VisitFloor>
  void for_each(VisitLabel&& label, VisitFloor&& floor) const {
    for (std::size_t set = 0; set < sets_.size(); ++set) {
      for (const Slot& slot : sets_[set].slots)
        if (slot.at.newest() > 0) label(slot.hash, slot.at);
      if (sets_[set].floor.newest() > 0) floor(set, sets_[set].floor);
    }
  }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    Moments at;
  };
  struct Set {
    std::array<Slot, kWays> slots;
    Moments floor;
  };
  std::vector<Set> sets_;  // empty until prepare() or the first label
  std::vector<Prefix> prefixes_;
  Moments everything_;
};

}  // namespace headgate::proxy
