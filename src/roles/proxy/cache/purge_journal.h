#pragma once
// The file that purges outlive the process in. Blocking; sync() and append() may meet, nothing else
// may. One process has it at a time: the lock lies beside it.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/fd.h"
#include "io/positioned_file.h"

namespace headgate::proxy {

class PurgeJournal {
 public:
  static constexpr std::size_t kBytesMax = 256 << 20;  // a longer file is not read

  explicit PurgeJournal(std::string path) : path_(std::move(path)) {}

  // kUnavailable: another process has it.
  Status lock();
  // kNotFound: there is none.
  Result<std::string> read() const;
  // All of it, at once and durably; afterwards append() adds to it.
  Status replace(std::string_view whole);
  Status append(std::string_view records);
  Status sync();
  // After a failure: what is on the disk may lack something. A start without a journal trusts
  // nothing that is stored, one with a journal that lacks a purge would.
  void give_up();
  // Lets another process have it.
  void close();

  std::uint64_t bytes() const { return bytes_; }

 private:
  const std::string path_;
  io::Fd lock_;
  std::optional<io::PositionedFile> file_;
  std::uint64_t bytes_ = 0;
};

}  // namespace headgate::proxy
