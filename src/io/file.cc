#include "io/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include "io/directory.h"
#include "io/entropy.h"
#include "io/fd.h"

namespace headgate::io {

namespace {

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno("write " + path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Status write_temporary(const std::string& temporary, std::string_view bytes, mode_t mode) {
  const Fd fd(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return fail_errno("create " + temporary, errno);
  if (auto written = write_all(fd.get(), bytes, temporary); !written) return written;
  if (::fchmod(fd.get(), mode) != 0) return fail_errno("chmod " + temporary, errno);
  if (::fsync(fd.get()) != 0) return fail_errno("fsync " + temporary, errno);
  return {};
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
struct FreeText {
  void operator()(char* text) const { std::free(text); }
};
using RealPath = std::unique_ptr<char, FreeText>;

bool lies_below(const std::string& path, std::string_view real_root) {
  const RealPath real(::realpath(path.c_str(), nullptr));
  if (!real) return false;
  const std::string_view target = real.get();
  return target.starts_with(real_root) &&
         (real_root == "/" || target.substr(real_root.size()).starts_with('/'));
}

class Lister {
 public:
  explicit Lister(std::string real_root) : real_root_(std::move(real_root)) {}

  Status walk(const std::string& path, int depth) {
    if (depth > kListedDepthMax) {
      return fail(Code::kExhausted,
                  fmt::format("{}: more than {} directories deep", path, kListedDepthMax));
    }
    const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
    if (!directory) return fail_errno("open directory " + path, errno);
    while (const dirent* entry = ::readdir(directory.get())) {
      if (entry->d_name[0] == '.') continue;
      if (auto visited = visit(path + "/" + entry->d_name, depth); !visited) return visited;
    }
    return {};
  }
  std::vector<std::string> take() {
    std::ranges::sort(files_);
    return std::move(files_);
  }

 private:
  Status visit(const std::string& path, int depth) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0) return {};  // gone since it was listed
    if (S_ISDIR(status.st_mode)) return walk(path, depth + 1);
    if (S_ISLNK(status.st_mode)) {
      if (::stat(path.c_str(), &status) != 0 || !lies_below(path, real_root_)) return {};
    }
    if (!S_ISREG(status.st_mode)) return {};
    if (files_.size() >= kListedFilesMax) {
      return fail(Code::kExhausted,
                  fmt::format("{}: more than {} files", real_root_, kListedFilesMax));
    }
    files_.push_back(path);
    return {};
  }

  std::string real_root_;
  std::vector<std::string> files_;
};

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return fail_errno("read " + path, errno);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return fail_errno("stat " + path, errno);
  if (!S_ISREG(status.st_mode))
    return fail(Code::kInvalid, fmt::format("read {}: not a regular file", path));
  std::string bytes;
  char piece[65536];
  while (true) {
    const ssize_t got = ::read(fd.get(), piece, sizeof piece);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read " + path, errno);
    if (got == 0) return bytes;
    if (bytes.size() + static_cast<std::size_t>(got) > bytes_max) {
      return fail(Code::kExhausted, fmt::format("read {}: more than {} bytes", path, bytes_max));
    }
    bytes.append(piece, static_cast<std::size_t>(got));
  }
}

Status write_file_atomically(const std::string& path, std::string_view bytes, mode_t mode) {
  const std::string temporary = fmt::format("{}.{:016x}.tmp", path, random_u64());
  auto written = write_temporary(temporary, bytes, mode);
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0)
    written = fail_errno("rename to " + path, errno);
  if (!written) {
    ::unlink(temporary.c_str());
    return written;
  }
  return sync_directory(directory_of(path));
}

Status ensure_directory(const std::string& path, mode_t mode) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return {};
    return fail(Code::kInvalid, fmt::format("{}: is not a directory", path));
  }
  const std::string parent = directory_of(path);
  if (parent != path && parent != "." && parent != "/") {
    if (auto made = ensure_directory(parent, mode); !made) return made;
  }
  if (::mkdir(path.c_str(), mode) != 0) {
    if (errno == EEXIST) return {};
    return fail_errno("make directory " + path, errno);
  }
  if (::chmod(path.c_str(), mode) != 0) return fail_errno("chmod " + path, errno);
  return {};
}

Result<std::vector<std::string>> list_files(const std::string& root) {
  const RealPath real(::realpath(root.c_str(), nullptr));
  if (!real) return fail_errno("list " + root, errno);
  Lister lister(real.get());
  std::string start = root;
  while (start.size() > 1 && start.ends_with('/')) start.pop_back();
  if (auto walked = lister.walk(start, 0); !walked)
    return std::unexpected(std::move(walked.error()));
  return lister.take();
}

}  // namespace headgate::io
