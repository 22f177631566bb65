#pragma once
// Files as whole values. Blocking: for control-side work and start-up, never on a worker's loop.
#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace headgate::io {

inline constexpr std::size_t kListedFilesMax = 65536;
inline constexpr int kListedDepthMax = 32;

// Code::kExhausted beyond `bytes_max`, kNotFound when there is no such file, kInvalid when it is
// not a regular file.
Result<std::string> read_file(const std::string& path, std::size_t bytes_max);

// Readers see the old content or the new one, also after a loss of power: temporary file beside it,
// fsync, rename, fsync of the directory. `mode` is set whatever the umask says.
Status write_file_atomically(const std::string& path, std::string_view bytes, mode_t mode = 0644);

// With its parents. A directory that is there keeps its mode; `mode` is for those that are made,
// whatever the umask says.
Status ensure_directory(const std::string& path, mode_t mode = 0755);

// Regular files below `root`, sorted, as paths that begin with `root`. Names that begin with a dot
// are skipped, and so are links to directories and links whose target lies outside of `root`
// (mounted Secrets link to files beside them).
Result<std::vector<std::string>> list_files(const std::string& root);

}  // namespace headgate::io
