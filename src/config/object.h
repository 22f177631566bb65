#pragma once
// One resource as it was read: its kind, its names, its validated JSON, and where it came from.
// Immutable once it is loaded. A copy is cheap and shares the JSON: the same document at another
// place (load_cache.h).
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/kind.h"

namespace headgate::config {

struct Object {
  const Kind* kind = nullptr;
  std::string name_space;  // empty: the kind has none
  std::string name;
  std::shared_ptr<const Json> value;   // whole, `status` included; never nullptr
  std::shared_ptr<const Lines> lines;  // of its document; nullptr: did not come from text
  std::uint64_t root = kRootPlace;     // place of this object in `lines`: a List holds several
  std::shared_ptr<const std::string> file;
  int first_line = 1;  // of its document in the file
  int line = 0;        // of the object in the file
  std::string label;   // "HTTPRoute default/shop"
  bool valid =
      false;  // false: problems are reported; others may refer to it without a further problem
  std::int64_t created_at = 0;  // seconds of metadata.creationTimestamp; 0: none, so ages are equal
  std::int64_t generation = 0;

  Report report_to(Problems& problems) const;  // refers to this object
  const Json& spec() const;
  std::string key() const;  // "default/shop", or "public" of a kind without namespaces
};

using Objects = std::vector<std::shared_ptr<const Object>>;

}  // namespace headgate::config
