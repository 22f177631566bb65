#pragma once
// Takes connections from one listening socket that all workers share. The socket is level-triggered and exclusive, so that one
// worker wakes for one connection; a worker that has clearly more connections than the least busy one hands the next over.
#include <string>

#include "io/loop.h"

namespace headgate::proxy {

class Worker;

class Acceptor final : public io::EventHandler {
 public:
  Acceptor(Worker& worker, std::string key, int fd);
  ~Acceptor() override;
  void on_io(std::uint32_t events) override;
  // Everything that waits in the queue now, at most kBacklogMax.
  void accept_waiting();
  // Lets go of the socket, which may be closed from then on.
  void stop();

 private:
  static constexpr int kBacklogMax = 4096;
  bool accept_one();  // false: nothing waits, or nothing can be accepted now
  void pause();   // out of descriptors: the backlog waits
  void resume();

  Worker& worker_;
  const std::string key_;
  const int fd_;  // the proxy's; closed by it
  bool watching_ = false;
  io::MemberTimer<&Acceptor::resume> timer_{this};
};

}  // namespace headgate::proxy
