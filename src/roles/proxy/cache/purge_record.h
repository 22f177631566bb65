#pragma once
// The journal of purges as bytes: a name, then records, each with its length and a checksum. Pure,
// any thread.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "roles/proxy/cache/purge_marks.h"
#include "roles/proxy/cache/purge_order.h"

namespace headgate::proxy {

// One shape for all; what a kind does not name is empty.
struct PurgeRecord {
  enum class Kind : std::uint8_t {
    kBeginning = 1,  // the first. number: the newest id; at.hard: the newest moment; flag: objects
                     // on the disk were judged by what follows
    kOrder = 2,      // number: its id; at; time; flag: a soft one; labels: their hashes
    kInvalidation,   // number: hash of the label; at.hard
    kLabel,          // number: hash of the label; at
    kLabelFloor,     // number: the set; at
    kPrefix,         // value; at
    kEverything,     // at
    kSoftTimes,      // time .. until: between them were soft purges
  };
  Kind kind = Kind::kBeginning;
  PurgeScope scope = PurgeScope::kUrl;  // of an order
  bool flag = false;
  std::uint64_t number = 0;
  PurgeMarks::Moments at;
  WallTime time, until;
  std::vector<std::uint64_t> labels;
  std::string name_space, value;
  friend bool operator==(const PurgeRecord&, const PurgeRecord&) = default;
};

inline constexpr std::size_t kPurgeRecordMax = 32 << 10;
inline constexpr std::string_view kPurgeJournalName = "headgate purges 1\n";

void append_record(std::string& out, const PurgeRecord& record);

struct PurgeJournalContent {
  std::vector<PurgeRecord> records;
  // False: there is damage that a write which was cut short cannot have made, so orders that were
  // durable may be missing.
  bool is_whole = true;
};
// Of the whole file. A torn record at its end is left out.
PurgeJournalContent read_journal(std::string_view bytes);

}  // namespace headgate::proxy
