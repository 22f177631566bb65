#pragma once
// The files of one cache directory, as the store sees them: real ones, and in tests ones that lose
// power, fill up and fail (testing/). Any thread; blocking.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace headgate::store::disk {

// See io/positioned_file.h for what each promises.
class File {
 public:
  virtual ~File() = default;
  virtual Result<std::size_t> read_at(std::span<char> into, std::uint64_t offset) const = 0;
  virtual Status write_at(std::span<const std::string_view> pieces, std::uint64_t offset) = 0;
  virtual Status preallocate(std::uint64_t bytes) = 0;
  virtual Status sync() = 0;
  virtual Result<std::uint64_t> size() const = 0;
};

class Files {
 public:
  virtual ~Files() = default;
  virtual Result<std::unique_ptr<File>> create(const std::string& name) = 0;
  virtual Result<std::unique_ptr<File>> open(const std::string& name) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  virtual Status remove(const std::string& name) = 0;  // success when it is not there
  virtual Status sync_names() = 0;
  virtual Result<std::vector<std::string>> names() = 0;
};

// Of a directory that is there.
std::unique_ptr<Files> files_of(std::string directory);

// All of a file, up to `bytes_max`; kExhausted beyond.
Result<std::string> read_all(Files& files, const std::string& name, std::size_t bytes_max);
// Readers see the old content or the new one, also after a loss of power.
Status replace_file(Files& files, const std::string& name, std::string_view bytes);

}  // namespace headgate::store::disk
