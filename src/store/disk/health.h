#pragma once
// Whether the disk does what it is asked. After as many failures in a row as are borne, everybody
// passes it by but one probe at a time, with growing pauses; the first success ends that. Any
// thread.
#include <atomic>
#include <mutex>
#include <optional>
#include <string>

#include "base/time.h"

namespace headgate::store::disk {

struct ProbePauses {
  Duration first = 1s;
  Duration max = 60s;  // each is twice as long as the one before
};

class Health {
 public:
  Health(unsigned failures_borne, ProbePauses pauses)
      : failures_borne_(failures_borne), pauses_(pauses) {}

  bool well() const { return !sick_.load(std::memory_order_relaxed); }
  // True for one caller after each pause: it shall try, and tell how it went.
  bool may_probe(Instant now);
  void succeeded();
  void failed(Instant now, std::string why);
  // While it is sick: since when, and why.
  struct Alarm {
    Instant since;
    std::string why;
  };
  std::optional<Alarm> alarm() const;

 private:
  const unsigned failures_borne_;
  const ProbePauses pauses_;
  std::atomic<bool> sick_{false};
  std::atomic<unsigned> failures_{0};
  mutable std::mutex mutex_;
  Alarm alarm_;
  Instant probe_at_;
  Duration pause_{};
  bool probing_ = false;
};

}  // namespace headgate::store::disk
