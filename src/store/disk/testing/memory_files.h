#pragma once
// For tests: a directory in memory whose bytes can be changed behind the store's back. Any thread.
#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "store/disk/files.h"

namespace headgate::store::disk {

class MemoryFiles final : public Files {
 public:
  using Bytes = std::shared_ptr<std::string>;

  Result<std::unique_ptr<File>> create(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    if (files_.contains(name)) return fail(Code::kInvalid, name + " is there");
    files_[name] = std::make_shared<std::string>();
    return std::make_unique<Open>(*this, files_[name]);
  }
  Result<std::unique_ptr<File>> open(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    if (!files_.contains(name)) return fail(Code::kNotFound, name + " is not there");
    return std::make_unique<Open>(*this, files_[name]);
  }
  Status rename(const std::string& from, const std::string& to) override {
    const std::lock_guard lock(mutex_);
    if (!files_.contains(from)) return fail(Code::kNotFound, from + " is not there");
    files_[to] = files_[from];
    files_.erase(from);
    return {};
  }
  Status remove(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    files_.erase(name);
    return {};
  }
  Status sync_names() override { return {}; }
  Result<std::vector<std::string>> names() override {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, bytes] : files_) names.push_back(name);
    return names;
  }

  std::string bytes_of(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return files_.contains(name) ? *files_[name] : "";
  }
  void set(const std::string& name, std::string bytes) {
    const std::lock_guard lock(mutex_);
    files_[name] = std::make_shared<std::string>(std::move(bytes));
  }
  // Also for those who have it open.
  void flip_bit(const std::string& name, std::size_t byte, int bit = 0) {
    const std::lock_guard lock(mutex_);
    files_.at(name)->at(byte) ^= static_cast<char>(1 << bit);
  }

 private:
  class Open final : public File {
   public:
    Open(MemoryFiles& owner, Bytes bytes) : owner_(owner), bytes_(std::move(bytes)) {}
    Result<std::size_t> read_at(std::span<char> into, std::uint64_t offset) const override {
      const std::lock_guard lock(owner_.mutex_);
      if (offset >= bytes_->size()) return 0;
      return bytes_->copy(into.data(), into.size(), offset);
    }
    Status write_at(std::span<const std::string_view> pieces, std::uint64_t offset) override {
      const std::lock_guard lock(owner_.mutex_);
      for (const std::string_view piece : pieces) {
        if (bytes_->size() < offset + piece.size()) bytes_->resize(offset + piece.size());
        std::ranges::copy(piece, bytes_->begin() + static_cast<std::ptrdiff_t>(offset));
        offset += piece.size();
      }
      return {};
    }
    Status preallocate(std::uint64_t) override { return {}; }
    Status sync() override { return {}; }
    Result<std::uint64_t> size() const override {
      const std::lock_guard lock(owner_.mutex_);
      return bytes_->size();
    }

   private:
    MemoryFiles& owner_;
    const Bytes bytes_;
  };

  std::mutex mutex_;
  std::map<std::string, Bytes> files_;
};

}  // namespace headgate::store::disk
