#include "io/file_append.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace headgate::io {

Result<Fd> open_for_append(const std::string& path) {
  Fd fd(path == "-" ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
                    : ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640));
  if (!fd.valid()) return fail_errno("open " + path, errno);
  return fd;
}

void write_all(const Fd& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd.get(), bytes.data(), bytes.size());
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (n < 0 && errno == EAGAIN) {
      pollfd wait{fd.get(), POLLOUT, 0};
      ::poll(&wait, 1, 1000);
    } else if (n < 0 && errno != EINTR) {
      return;
    }
  }
}

}  // namespace headgate::io
