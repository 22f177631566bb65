#pragma once
// Names of files: listed, changed, made durable. Blocking: for start-up and I/O threads, never on a
// worker's loop.
#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"

namespace headgate::io {

inline constexpr std::size_t kNamesMax = 1'000'000;

// Of everything in the directory itself but "." and "..", sorted. kExhausted beyond kNamesMax.
Result<std::vector<std::string>> list_names(const std::string& directory);
// Takes the place of what `to` names; readers see one or the other.
Status rename_file(const std::string& from, const std::string& to);
Status remove_file(const std::string& path);
// Names made, changed and removed so far outlast a loss of power.
Status sync_directory(const std::string& path);

}  // namespace headgate::io
