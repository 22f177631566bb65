#pragma once
// A segment: one file of the log, written from its head to its end and never over. Its first unit
// says whose it is and holds its salt: a random number that every record in it repeats and nobody
// outside of the directory knows, so no body can pass for a record. One thread writes; any reads. A
// removed segment stays readable for those who hold it.
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/disk/files.h"
#include "store/disk/limits.h"

namespace headgate::store::disk {

std::string segment_name(std::uint64_t number);
std::optional<std::uint64_t> segment_number(std::string_view name);

class Segment {
 public:
  // A new file with its space taken and its head written; what is left of a failed one is removed.
  // `salt` is random and a secret.
  static Result<std::shared_ptr<Segment>> create(Files& files, std::uint64_t directory_id,
                                                 std::uint64_t number, std::uint64_t salt,
                                                 std::uint64_t bytes_max);
  // kInvalid: the head is not that of a segment of this directory with this number.
  static Result<std::shared_ptr<Segment>> open(Files& files, std::uint64_t directory_id,
                                               std::uint64_t number);

  std::uint64_t number() const { return number_; }
  std::uint64_t salt() const { return salt_; }
  const File& file() const { return *file_; }
  // Where the next record begins, a multiple of the unit; what lies before is written or damaged.
  std::uint64_t end() const { return end_.load(std::memory_order_acquire); }

  // At end(), which moves only when everything was written.
  Status append(std::span<const std::string_view> pieces, std::uint64_t bytes);
  // When something was appended since the last success. Any one thread at a time.
  Status sync();

 private:
  Segment(std::unique_ptr<File> file, std::uint64_t number, std::uint64_t salt, std::uint64_t end)
      : file_(std::move(file)), number_(number), salt_(salt), end_(end) {}
  const std::unique_ptr<File> file_;
  const std::uint64_t number_;
  const std::uint64_t salt_;
  std::atomic<std::uint64_t> end_;
  std::atomic<bool> unsynced_{true};
};

}  // namespace headgate::store::disk
