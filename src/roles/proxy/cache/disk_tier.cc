#include "roles/proxy/cache/disk_tier.h"

#include "io/clock.h"
#include "io/thread.h"
#include "roles/proxy/cache/purge_book.h"

namespace headgate::proxy {

DiskTier::DiskTier(Options options, const PurgeBook& purges)
    : options_(std::move(options)),
      purges_(purges),
      begun_(io::monotonic_now()),
      thread_([this] { run(); }) {}

std::shared_ptr<store::disk::Store> DiskTier::store() const {
  const std::lock_guard hold(mutex_);
  return store_;
}

bool DiskTier::is_settled() const {
  const std::lock_guard hold(mutex_);
  return store_ || is_given_up_ || io::monotonic_now() - begun_ >= kSettleMax;
}

std::string DiskTier::trouble() const {
  const std::lock_guard hold(mutex_);
  if (!store_) return trouble_;
  const store::disk::Store::Alarms alarms = store_->alarms();
  if (alarms.writing) return alarms.writing->why;
  return alarms.reading ? alarms.reading->why : std::string();
}

void DiskTier::close() {
  {
    const std::lock_guard hold(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void DiskTier::run() {
  io::name_thread("cache-disk");
  std::unique_lock hold(mutex_);
  while (!closing_ && !store_) {
    hold.unlock();
    const bool done = open();
    hold.lock();
    if (!done)
      wake_.wait_for(hold, kPoll, [this] { return closing_; });
    else if (!store_)
      break;
  }
  wake_.wait(hold, [this] { return closing_; });
  std::shared_ptr<store::disk::Store> leaving = std::move(store_);
  store_ = nullptr;
  // Workers hold it for the length of a call; this thread is the one that waits for its disk.
  while (leaving.use_count() > 1) wake_.wait_for(hold, 1ms, [] { return false; });
  hold.unlock();
  leaving.reset();
}

bool DiskTier::open() {
  if (!purges_.is_loaded()) return false;
  store::disk::Options options;
  options.directory = options_.directory;
  options.total_bytes = options_.bytes;
  options.stamps = purges_.judge();
  auto opened = store::disk::Store::open(std::move(options));
  const std::lock_guard hold(mutex_);
  if (opened) {
    store_ = std::move(*opened);
    trouble_.clear();
    return true;
  }
  trouble_ = opened.error().message;
  is_given_up_ = opened.error().code != Code::kUnavailable;
  return is_given_up_;
}

}  // namespace headgate::proxy
