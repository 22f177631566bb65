#include "app/supervisor_link.h"

#include <fmt/format.h>

#include "app/plane_message.h"
#include "io/clock.h"
#include "io/program.h"
#include "io/unix_socket.h"

namespace headgate::app {

namespace {

std::optional<Order> order_of(std::string_view verb) {
  if (verb == "reload") return Order::kReload;
  if (verb == "reopen") return Order::kReopenLog;
  if (verb == "drain") return Order::kDrain;
  if (verb == "retire") return Order::kRetire;
  if (verb == "hurry") return Order::kHurry;
  return std::nullopt;
}

}  // namespace

SupervisorLink::SupervisorLink(io::Loop& loop, io::Fd channel, io::Callback<Order> on_order)
    : loop_(loop),
      channel_(std::move(channel)),
      on_order_(std::move(on_order)),
      give_orders_([](void* self) { static_cast<SupervisorLink*>(self)->give_orders(); }, this) {
  if (!loop_.add(channel_.get(), EPOLLIN, *this)) keep_order(Order::kHurry);
}

SupervisorLink::~SupervisorLink() { loop_.remove(channel_.get()); }

Result<io::Fd> SupervisorLink::open(const std::string& address, std::uint16_t port) {
  const std::string name = to_string(SocketName{address, port, false});
  auto answer = ask(plane_message("open", name), "socket", name);
  if (!answer) return std::unexpected(answer.error());
  if (answer->fds.empty()) return fail(Code::kInternal, "a socket came without its descriptor");
  return std::move(answer->fds.front());
}

Result<std::vector<io::Fd>> SupervisorLink::open_datagram(const std::string& address,
                                                          std::uint16_t port,
                                                          std::size_t at_least) {
  const std::string name = to_string(SocketName{address, port, true});
  auto answer = ask(plane_message("open", fmt::format("{} {}", name, at_least)), "socket", name);
  if (!answer) return std::unexpected(answer.error());
  if (answer->fds.empty()) return fail(Code::kInternal, "a socket came without its descriptor");
  return std::move(answer->fds);
}

Result<std::string> SupervisorLink::ticket_secret() {
  auto answer = ask("tickets", "secret", {});
  if (!answer) return std::unexpected(answer.error());
  return std::move(answer->rest);
}

Result<SupervisorLink::Answer> SupervisorLink::ask(std::string_view question, std::string_view verb,
                                                   std::string_view rest) {
  if (const Status sent = io::send_message(channel_.get(), question); !sent)
    return std::unexpected(sent.error());
  const Instant deadline = io::monotonic_now() + kAnswerTimeout;
  while (!gone_ && io::wait_readable(channel_.get(), deadline - io::monotonic_now())) {
    std::optional<Answer> answer = receive();
    if (!answer) continue;
    if (answer->verb == verb && (rest.empty() || answer->rest == rest)) return std::move(*answer);
    if (answer->verb == "refused") return fail(Code::kUnavailable, answer->rest);
  }
  return fail(Code::kTimeout, fmt::format("the supervisor did not answer '{}'", question));
}

void SupervisorLink::release(const std::string& address, std::uint16_t port, bool datagram) {
  // An error means that the supervisor is gone, and its sockets with it.
  [[maybe_unused]] const Status sent = io::send_message(
      channel_.get(), plane_message("release", to_string(SocketName{address, port, datagram})));
}

void SupervisorLink::say_ready() {
  [[maybe_unused]] const Status sent = io::send_message(channel_.get(), "ready");
}

void SupervisorLink::say_draining() {
  [[maybe_unused]] const Status sent = io::send_message(channel_.get(), "draining");
}

void SupervisorLink::on_io(std::uint32_t) {
  receive();  // an answer that nobody waits for came after its time
}

std::optional<SupervisorLink::Answer> SupervisorLink::receive() {
  auto message = io::receive_message(channel_.get());
  if (!message) {
    if (message.error().code != Code::kUnavailable) return std::nullopt;
    loop_.remove(channel_.get());
    gone_ = true;
    keep_order(Order::kHurry);
    return std::nullopt;
  }
  if (!*message) return std::nullopt;
  const PlaneMessage words = parse_plane_message((*message)->bytes);
  if (const auto order = order_of(words.verb)) {
    keep_order(*order);
    return std::nullopt;
  }
  return Answer{std::string(words.verb), std::string(words.rest), std::move((*message)->fds)};
}

void SupervisorLink::keep_order(Order order) {
  orders_.push_back(order);
  loop_.defer(give_orders_);
}

void SupervisorLink::give_orders() {
  while (!orders_.empty()) {
    const Order order = orders_.front();
    orders_.pop_front();
    on_order_(order);
  }
}

}  // namespace headgate::app
