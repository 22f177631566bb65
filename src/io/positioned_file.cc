#include "io/positioned_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace headgate::io {

namespace {

constexpr std::size_t kPiecesAtOnce = 64;  // far below IOV_MAX

// Takes `written` bytes off the front.
void advance(std::vector<iovec>& pieces, std::size_t& first, std::size_t written) {
  while (first < pieces.size() && written >= pieces[first].iov_len)
    written -= pieces[first++].iov_len;
  if (written == 0) return;
  pieces[first].iov_base = static_cast<char*>(pieces[first].iov_base) + written;
  pieces[first].iov_len -= written;
}

Result<Fd> open_path(const std::string& path, int flags, mode_t mode) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, mode));
  if (!fd.valid()) return fail_errno("open " + path, errno);
  return fd;
}

}  // namespace

Result<PositionedFile> PositionedFile::create(const std::string& path, mode_t mode) {
  auto fd = open_path(path, O_CREAT | O_EXCL, mode);
  if (!fd) return std::unexpected(std::move(fd.error()));
  return PositionedFile(std::move(*fd), path);
}

Result<PositionedFile> PositionedFile::open(const std::string& path) {
  auto fd = open_path(path, O_NONBLOCK, 0);
  if (!fd) return std::unexpected(std::move(fd.error()));
  struct stat status{};
  if (::fstat(fd->get(), &status) != 0) return fail_errno("stat " + path, errno);
  if (!S_ISREG(status.st_mode))
    return fail(Code::kInvalid, "open " + path + ": not a regular file");
  return PositionedFile(std::move(*fd), path);
}

Result<std::size_t> PositionedFile::read_at(std::span<char> into, std::uint64_t offset) const {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t got = ::pread(fd_.get(), into.data() + done, into.size() - done,
                                static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read " + path_, errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Status PositionedFile::write_at(std::span<const std::string_view> pieces, std::uint64_t offset) {
  std::vector<iovec> left;
  left.reserve(pieces.size());
  for (const std::string_view piece : pieces)
    if (!piece.empty()) left.push_back({const_cast<char*>(piece.data()), piece.size()});
  std::size_t first = 0;
  while (first < left.size()) {
    const int count = static_cast<int>(std::min(left.size() - first, kPiecesAtOnce));
    const ssize_t put =
        ::pwritev(fd_.get(), left.data() + first, count, static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno("write " + path_, errno);
    offset += static_cast<std::uint64_t>(put);
    advance(left, first, static_cast<std::size_t>(put));
  }
  return {};
}

Status PositionedFile::preallocate(std::uint64_t bytes) {
  while (::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)) != 0) {
    if (errno == EINTR) continue;
    if (errno == EOPNOTSUPP || errno == ENOSYS) return {};
    return fail_errno("allocate " + path_, errno);
  }
  return {};
}

Status PositionedFile::sync() {
  if (::fdatasync(fd_.get()) != 0) return fail_errno("sync " + path_, errno);
  return {};
}

Result<std::uint64_t> PositionedFile::size() const {
  struct stat status{};
  if (::fstat(fd_.get(), &status) != 0) return fail_errno("stat " + path_, errno);
  return static_cast<std::uint64_t>(status.st_size);
}

}  // namespace headgate::io
