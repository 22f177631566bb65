#include "roles/proxy/acceptor.h"

#include <utility>

#include "roles/proxy/worker.h"

namespace headgate::proxy {

namespace {
constexpr int kAcceptsPerWake = 16;
constexpr Duration kPauseWhenExhausted = 100ms;
}  // namespace

Acceptor::Acceptor(Worker& worker, std::string key, int fd) : worker_(worker), key_(std::move(key)), fd_(fd) {
  io::set_no_delay(fd_);  // what is accepted inherits it
  resume();
}

Acceptor::~Acceptor() { stop(); }

void Acceptor::stop() {
  if (std::exchange(watching_, false)) worker_.loop_.remove(fd_);
  worker_.loop_.disarm(timer_);
}

void Acceptor::resume() {
  if (!watching_) watching_ = worker_.loop_.add(fd_, EPOLLIN | EPOLLEXCLUSIVE, *this).has_value();
}

void Acceptor::pause() {
  worker_.loop_.remove(fd_);
  watching_ = false;
  worker_.loop_.arm(timer_, kPauseWhenExhausted);
}

bool Acceptor::accept_one() {
  auto accepted = io::accept_stream(fd_);
  if (!accepted) {
    if (accepted.error().code == Code::kExhausted) pause();
    return false;
  }
  if (!worker_.hand_over(key_, accepted->fd, accepted->peer))
    worker_.sessions_.accept(worker_.view(key_), std::move(accepted->fd), accepted->peer);
  return true;
}

void Acceptor::on_io(std::uint32_t) {
  for (int i = 0; i < kAcceptsPerWake && accept_one(); ++i) {
  }
}

void Acceptor::accept_waiting() {
  for (int i = 0; i < kBacklogMax && accept_one(); ++i) {
  }
}

}  // namespace headgate::proxy
