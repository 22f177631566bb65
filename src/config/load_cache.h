#pragma once
// What a load has read, so that the next one parses only the documents whose text is new. A value
// of the caller, who passes the same one to every `load` of the same paths; one thread at a time.
//
// Documents are found by their whole text, never by a hash alone, so none can pass for another.
// Only documents without a problem are kept: a broken one tells its problems at every load. Costs
// the text of the configuration once more, at most kCacheBytesMax.
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/hash.h"
#include "config/object.h"

namespace headgate::config {

class LoadCache {
 public:
  // nullptr: not known. The objects tell the place at which they were read.
  const Objects* find(std::string_view document) const;
  void keep(std::string_view document, Objects objects);
  std::size_t documents() const { return documents_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  std::unordered_map<std::string, Objects, StringHash, std::equal_to<>> documents_;
  std::size_t bytes_ = 0;
};

}  // namespace headgate::config
