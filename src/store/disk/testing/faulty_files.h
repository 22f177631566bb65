#pragma once
// For tests: files whose calls fail or wait as they are told. Any thread.
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <limits>
#include <memory>
#include <mutex>
#include <string>

#include "store/disk/files.h"

namespace headgate::store::disk {

enum class Call : unsigned { kRead = 1, kWrite = 2, kSync = 4, kName = 8 };
inline constexpr unsigned kEveryCall = 15;
inline constexpr unsigned kWritingCalls = 6;

class Faults {
 public:
  // Calls of these kinds fail, `count` of them, from the one with this number on.
  void fail(unsigned kinds, std::uint64_t first = 0,
            std::uint64_t count = std::numeric_limits<std::uint64_t>::max()) {
    const std::lock_guard lock(mutex_);
    kinds_ = kinds;
    calls_ = 0;
    first_ = first;
    left_ = count;
  }
  void heal() { fail(0); }
  // Calls of this kind wait.
  void hold(Call kind) {
    const std::lock_guard lock(mutex_);
    held_ = static_cast<unsigned>(kind);
  }
  void release() {
    {
      const std::lock_guard lock(mutex_);
      held_ = 0;
    }
    released_.notify_all();
  }
  std::uint64_t failed() const { return failed_.load(); }
  std::uint64_t waiting() const { return waiting_.load(); }

  Status next(Call kind) {
    const auto bit = static_cast<unsigned>(kind);
    std::unique_lock lock(mutex_);
    ++waiting_;
    released_.wait(lock, [&] { return (held_ & bit) == 0; });
    --waiting_;
    if ((kinds_ & bit) == 0 || calls_++ < first_ || left_ == 0) return {};
    --left_;
    ++failed_;
    return fail_errno("injected", ENOSPC);
  }

 private:
  std::mutex mutex_;
  std::condition_variable released_;
  unsigned kinds_ = 0, held_ = 0;
  std::uint64_t calls_ = 0, first_ = 0, left_ = 0;
  std::atomic<std::uint64_t> failed_{0}, waiting_{0};
};

class FaultyFiles final : public Files {
 public:
  // Both outlive the store.
  FaultyFiles(Files& files, Faults& faults) : files_(files), faults_(faults) {}
  Result<std::unique_ptr<File>> create(const std::string& name) override {
    if (auto ok = faults_.next(Call::kName); !ok) return std::unexpected(ok.error());
    return wrap(files_.create(name));
  }
  Result<std::unique_ptr<File>> open(const std::string& name) override {
    if (auto ok = faults_.next(Call::kName); !ok) return std::unexpected(ok.error());
    return wrap(files_.open(name));
  }
  Status rename(const std::string& from, const std::string& to) override {
    if (auto ok = faults_.next(Call::kName); !ok) return ok;
    return files_.rename(from, to);
  }
  Status remove(const std::string& name) override {
    if (auto ok = faults_.next(Call::kName); !ok) return ok;
    return files_.remove(name);
  }
  Status sync_names() override { return faults_.next(Call::kSync); }
  Result<std::vector<std::string>> names() override {
    if (auto ok = faults_.next(Call::kRead); !ok) return std::unexpected(ok.error());
    return files_.names();
  }

 private:
  class Open final : public File {
   public:
    Open(std::unique_ptr<File> file, Faults& faults) : file_(std::move(file)), faults_(faults) {}
    Result<std::size_t> read_at(std::span<char> into, std::uint64_t offset) const override {
      if (auto ok = faults_.next(Call::kRead); !ok) return std::unexpected(ok.error());
      return file_->read_at(into, offset);
    }
    // A write that fails leaves half of itself.
    Status write_at(std::span<const std::string_view> pieces, std::uint64_t offset) override {
      auto ok = faults_.next(Call::kWrite);
      if (ok) return file_->write_at(pieces, offset);
      std::string all;
      for (const std::string_view piece : pieces) all += piece;
      const std::string_view half[] = {std::string_view(all).substr(0, all.size() / 2)};
      (void)file_->write_at(half, offset);
      return ok;
    }
    Status preallocate(std::uint64_t bytes) override {
      if (auto ok = faults_.next(Call::kWrite); !ok) return ok;
      return file_->preallocate(bytes);
    }
    Status sync() override { return faults_.next(Call::kSync); }
    Result<std::uint64_t> size() const override {
      if (auto ok = faults_.next(Call::kRead); !ok) return std::unexpected(ok.error());
      return file_->size();
    }

   private:
    const std::unique_ptr<File> file_;
    Faults& faults_;
  };
  Result<std::unique_ptr<File>> wrap(Result<std::unique_ptr<File>> file) {
    if (!file) return file;
    return std::make_unique<Open>(std::move(*file), faults_);
  }

  Files& files_;
  Faults& faults_;
};

}  // namespace headgate::store::disk
