#include "io/fd.h"

#include <unistd.h>

namespace headgate::io {

void Fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

}  // namespace headgate::io
