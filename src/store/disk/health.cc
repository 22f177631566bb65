#include "store/disk/health.h"

#include <algorithm>
#include <utility>

namespace headgate::store::disk {

bool Health::may_probe(Instant now) {
  const std::lock_guard lock(mutex_);
  if (well() || now < probe_at_) return false;
  probe_at_ = now + pause_;  // should this one never tell
  probing_ = true;
  return true;
}

void Health::succeeded() {
  if (failures_.load(std::memory_order_relaxed) == 0) return;  // the common case takes no lock
  const std::lock_guard lock(mutex_);
  failures_.store(0, std::memory_order_relaxed);
  sick_.store(false, std::memory_order_relaxed);
  probing_ = false;
}

void Health::failed(Instant now, std::string why) {
  const std::lock_guard lock(mutex_);
  const unsigned failures = failures_.load(std::memory_order_relaxed) + 1;
  failures_.store(failures, std::memory_order_relaxed);
  if (failures <= failures_borne_) return;
  if (!sick_.exchange(true, std::memory_order_relaxed)) {
    alarm_.since = now;
    pause_ = pauses_.first;
    probe_at_ = now + pause_;
  } else if (probing_) {  // others were under way before: they are the failure that is known
    pause_ = std::min(2 * pause_, pauses_.max);
    probe_at_ = now + pause_;
  }
  probing_ = false;
  alarm_.why = std::move(why);
}

std::optional<Health::Alarm> Health::alarm() const {
  const std::lock_guard lock(mutex_);
  if (well()) return std::nullopt;
  return alarm_;
}

}  // namespace headgate::store::disk
