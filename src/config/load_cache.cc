#include "config/load_cache.h"

#include "config/limits.h"

namespace headgate::config {

const Objects* LoadCache::find(std::string_view document) const {
  const auto it = documents_.find(document);
  return it == documents_.end() ? nullptr : &it->second;
}

void LoadCache::keep(std::string_view document, Objects objects) {
  if (bytes_ + document.size() > kCacheBytesMax) return;
  const auto [it, fresh] = documents_.try_emplace(std::string(document), std::move(objects));
  if (fresh) bytes_ += document.size();
}

}  // namespace headgate::config
