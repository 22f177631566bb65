#include "io/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string_view>

#include "io/fd.h"

namespace headgate::io {

namespace {
struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
}  // namespace

Result<std::vector<std::string>> list_names(const std::string& directory) {
  const std::unique_ptr<DIR, CloseDirectory> open(::opendir(directory.c_str()));
  if (!open) return fail_errno("open directory " + directory, errno);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(open.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (names.size() >= kNamesMax)
      return fail(Code::kExhausted, fmt::format("{}: more than {} names", directory, kNamesMax));
    names.emplace_back(name);
  }
  if (errno != 0) return fail_errno("list " + directory, errno);
  std::ranges::sort(names);
  return names;
}

Status rename_file(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0)
    return fail_errno(fmt::format("rename {} to {}", from, to), errno);
  return {};
}

Status remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return fail_errno("remove " + path, errno);
  return {};
}

Status sync_directory(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::fsync(fd.get()) != 0) return fail_errno("sync " + path, errno);
  return {};
}

}  // namespace headgate::io
