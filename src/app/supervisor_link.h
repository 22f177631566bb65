#pragma once
// The data plane's end of the channel to its supervisor: asks for listening sockets, says that it
// serves, takes orders. Control thread. Asking waits for the answer; orders that arrive meanwhile
// are kept and given to the handler in order, from the loop. When the supervisor is gone the order
// is kHurry: nobody would start this process again.
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "app/socket_name.h"
#include "base/result.h"
#include "io/callback.h"
#include "io/loop.h"
#include "roles/proxy/proxy.h"

namespace headgate::app {

enum class Order : std::uint8_t { kReload, kReopenLog, kDrain, kRetire, kHurry };

class SupervisorLink final : public proxy::ListenSockets, public io::EventHandler {
 public:
  static constexpr Duration kAnswerTimeout = 10s;

  SupervisorLink(io::Loop& loop, io::Fd channel, io::Callback<Order> on_order);
  ~SupervisorLink() override;

  Result<io::Fd> open(const std::string& address, std::uint16_t port) override;
  Result<std::vector<io::Fd>> open_datagram(const std::string& address, std::uint16_t port,
                                            std::size_t at_least) override;
  void release(const std::string& address, std::uint16_t port, bool datagram) override;
  // What ticket keys derive from, the same for every data plane of this edge.
  Result<std::string> ticket_secret();
  void say_ready();
  void say_draining();

  void on_io(std::uint32_t events) override;

 private:
  struct Answer {
    std::string verb, rest;
    std::vector<io::Fd> fds;
  };
  // Waits for the answer `verb rest`; an empty `rest` stands for any.
  Result<Answer> ask(std::string_view question, std::string_view verb, std::string_view rest);
  // nullopt: nothing waits, or it was an order.
  std::optional<Answer> receive();
  void keep_order(Order order);
  void give_orders();

  io::Loop& loop_;
  io::Fd channel_;
  io::Callback<Order> on_order_;
  std::deque<Order> orders_;
  bool gone_ = false;
  io::Deferred give_orders_;
};

}  // namespace headgate::app
