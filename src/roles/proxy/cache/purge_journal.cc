#include "roles/proxy/cache/purge_journal.h"

#include "io/directory.h"
#include "io/file.h"
#include "io/lock_file.h"

namespace headgate::proxy {

Status PurgeJournal::lock() {
  if (lock_.valid()) return {};
  auto lock = io::lock_file(path_ + ".lock");
  if (!lock) return std::unexpected(lock.error());
  lock_ = std::move(*lock);
  return {};
}

Result<std::string> PurgeJournal::read() const { return io::read_file(path_, kBytesMax); }

Status PurgeJournal::replace(std::string_view whole) {
  file_.reset();
  if (const Status written = io::write_file_atomically(path_, whole, 0600); !written)
    return written;
  auto file = io::PositionedFile::open(path_);
  if (!file) return std::unexpected(file.error());
  file_ = std::move(*file);
  bytes_ = whole.size();
  return {};
}

Status PurgeJournal::append(std::string_view records) {
  if (records.empty()) return {};
  if (Status written = file_->write_at({&records, 1}, bytes_); !written) return written;
  bytes_ += records.size();
  return {};
}

Status PurgeJournal::sync() { return file_->sync(); }

void PurgeJournal::give_up() {
  file_.reset();
  [[maybe_unused]] const Status removed = io::remove_file(path_);
}

void PurgeJournal::close() {
  file_.reset();
  lock_.reset();
}

}  // namespace headgate::proxy
