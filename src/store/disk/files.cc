#include "store/disk/files.h"

#include <fmt/format.h>

#include <utility>

#include "io/directory.h"
#include "io/positioned_file.h"

namespace headgate::store::disk {

namespace {

class RealFile final : public File {
 public:
  explicit RealFile(io::PositionedFile file) : file_(std::move(file)) {}
  Result<std::size_t> read_at(std::span<char> into, std::uint64_t offset) const override {
    return file_.read_at(into, offset);
  }
  Status write_at(std::span<const std::string_view> pieces, std::uint64_t offset) override {
    return file_.write_at(pieces, offset);
  }
  Status preallocate(std::uint64_t bytes) override { return file_.preallocate(bytes); }
  Status sync() override { return file_.sync(); }
  Result<std::uint64_t> size() const override { return file_.size(); }

 private:
  io::PositionedFile file_;
};

Result<std::unique_ptr<File>> wrap(Result<io::PositionedFile> file) {
  if (!file) return std::unexpected(std::move(file.error()));
  return std::make_unique<RealFile>(std::move(*file));
}

class RealFiles final : public Files {
 public:
  explicit RealFiles(std::string directory) : directory_(std::move(directory)) {}
  Result<std::unique_ptr<File>> create(const std::string& name) override {
    return wrap(io::PositionedFile::create(path_of(name)));
  }
  Result<std::unique_ptr<File>> open(const std::string& name) override {
    return wrap(io::PositionedFile::open(path_of(name)));
  }
  Status rename(const std::string& from, const std::string& to) override {
    return io::rename_file(path_of(from), path_of(to));
  }
  Status remove(const std::string& name) override {
    auto removed = io::remove_file(path_of(name));
    if (!removed && removed.error().code == Code::kNotFound) return {};
    return removed;
  }
  Status sync_names() override { return io::sync_directory(directory_); }
  Result<std::vector<std::string>> names() override { return io::list_names(directory_); }

 private:
  std::string path_of(const std::string& name) const { return directory_ + "/" + name; }
  const std::string directory_;
};

}  // namespace

std::unique_ptr<Files> files_of(std::string directory) {
  return std::make_unique<RealFiles>(std::move(directory));
}

Result<std::string> read_all(Files& files, const std::string& name, std::size_t bytes_max) {
  auto file = files.open(name);
  if (!file) return std::unexpected(std::move(file.error()));
  std::string bytes(bytes_max + 1, '\0');
  const auto got = (*file)->read_at(bytes, 0);
  if (!got) return std::unexpected(got.error());
  if (*got > bytes_max)
    return fail(Code::kExhausted, fmt::format("{}: more than {} bytes", name, bytes_max));
  bytes.resize(*got);
  return bytes;
}

Status replace_file(Files& files, const std::string& name, std::string_view bytes) {
  const std::string temporary = name + ".tmp";
  if (auto gone = files.remove(temporary); !gone) return gone;
  auto file = files.create(temporary);
  if (!file) return std::unexpected(std::move(file.error()));
  const std::string_view pieces[] = {bytes};
  if (auto written = (*file)->write_at(pieces, 0); !written) return written;
  if (auto synced = (*file)->sync(); !synced) return synced;
  if (auto renamed = files.rename(temporary, name); !renamed) return renamed;
  return files.sync_names();
}

}  // namespace headgate::store::disk
