#include "io/loop.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/check.h"
#include "io/clock.h"

namespace headgate::io {

class Loop::Wake : public EventHandler {
 public:
  explicit Wake(Mailbox& mailbox) : mailbox_(mailbox) {}
  void on_io(std::uint32_t) override { mailbox_.drain(); }

 private:
  Mailbox& mailbox_;
};

Loop::Loop()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), now_(monotonic_now()), wall_(wall_now()), timers_(now_),
      wake_(std::make_unique<Wake>(mailbox_)) {
  HG_CHECK(epoll_.valid(), "epoll_create1: out of descriptors at start");
  HG_CHECK(add(mailbox_.wake_fd(), EPOLLIN, *wake_).has_value(), "epoll_ctl on the wake descriptor");
}

Loop::~Loop() = default;

Status Loop::add(int fd, std::uint32_t events, EventHandler& handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return fail_errno("epoll_ctl add", errno);
  return {};
}

void Loop::modify(int fd, std::uint32_t events, EventHandler& handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Loop::remove(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void Loop::retire(std::unique_ptr<EventHandler> handler) {
  handler->retired_ = true;
  retired_.push_back(std::move(handler));
}

void Loop::stop() {
  stopping_.store(true, std::memory_order_release);
  [[maybe_unused]] const bool woken = mailbox_.post([] {});
}

void Loop::run() {
  while (!stopping_.load(std::memory_order_acquire)) turn(Duration::max());
}

void Loop::sample_clocks() {
  now_ = monotonic_now();
  wall_ = wall_now();
}

int Loop::wait_milliseconds(Duration wait_max) const {
  const Duration wait = std::min(wait_max, timers_.until_next(now_));
  if (wait == Duration::max()) return -1;
  return static_cast<int>(std::min<std::int64_t>((wait.count() + 999'999) / 1'000'000, 60'000));
}

void Loop::turn(Duration wait_max) {
  std::array<epoll_event, 256> events;
  const int timeout = retired_.empty() && deferred_.empty() ? wait_milliseconds(wait_max) : 0;
  const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout);
  HG_CHECK(count >= 0 || errno == EINTR, "epoll_wait");
  sample_clocks();
  for (int i = 0; i < count; ++i) {
    auto* handler = static_cast<EventHandler*>(events[static_cast<std::size_t>(i)].data.ptr);
    if (!handler->retired_) handler->on_io(events[static_cast<std::size_t>(i)].events);
  }
  run_deferred();
  timers_.advance(now_);
  run_deferred();
  destroy_retired();
  if (busy_us_) busy_us_->record(static_cast<std::uint64_t>((monotonic_now() - now_).count() / 1000));
}

// An object that dies may retire others.
void Loop::destroy_retired() {
  while (!retired_.empty()) {
    dying_.swap(retired_);
    dying_.clear();
  }
}

void Loop::run_deferred() {
  while (!deferred_.empty()) {
    Deferred& work = deferred_.front();
    work.unlink();
    work.run_(work.owner_);
  }
}

}  // namespace headgate::io
