#pragma once
// A file that is read and written at given places, by any number of threads at once: there is no
// cursor to share. Blocking: for I/O threads, never on a worker's loop.
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/fd.h"

namespace headgate::io {

class PositionedFile {
 public:
  // Both for reading and writing; links are not followed. `create` fails where a file is there.
  static Result<PositionedFile> create(const std::string& path, mode_t mode = 0600);
  static Result<PositionedFile> open(const std::string& path);

  // How many bytes were read: fewer than asked for at the end of the file alone.
  Result<std::size_t> read_at(std::span<char> into, std::uint64_t offset) const;
  // All pieces one after the other, or an error; some of them may be in the file then.
  Status write_at(std::span<const std::string_view> pieces, std::uint64_t offset);
  // Takes the space from the file system now, so that a later write does not meet a full disk. The
  // size stays as it is. Success where the file system cannot do so.
  Status preallocate(std::uint64_t bytes);
  Status sync();  // content and size, not the name: sync_directory
  Result<std::uint64_t> size() const;

 private:
  PositionedFile(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Fd fd_;
  std::string path_;
};

}  // namespace headgate::io
