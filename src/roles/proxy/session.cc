#include "roles/proxy/session.h"

#include "roles/proxy/client_handshake.h"
#include "roles/proxy/session_h1.h"
#include "roles/proxy/session_h2.h"

namespace headgate::proxy {

Sessions::~Sessions() { kill_all(); }

void Sessions::accept(PortView& port, io::Fd fd, const wire::ip::Endpoint& peer) {
  if (!port.port) return;
  const model::PortSettings& settings = port.port->settings;
  const bool full = settings.connections_max != 0 && count_ * worker_.workers >= settings.connections_max;
  const bool greedy = settings.connections_per_address_max != 0 &&
                      count_of(peer.address) >= settings.connections_per_address_max;
  if (full || greedy) {
    worker_.stats.connections_refused.add();
    io::set_reset_on_close(fd.get());
    return;
  }
  worker_.stats.connections_accepted.add();
  io::set_no_delay(fd.get());
  ConnectionFacts facts;
  facts.port = &port;
  facts.peer = peer;
  facts.peer_text = wire::ip::to_string(peer.address);
  const bool plain_http = port.port->protocol == model::PortProtocol::kHttp && settings.proxy_protocol_from.empty();
  if (plain_http) return start_h1(std::move(facts), io::Stream(std::move(fd)), {});
  auto handshake = std::make_unique<ClientHandshake>(worker_, *this, std::move(facts), io::Stream(std::move(fd)));
  handshake.release()->start();  // owns itself: retires into the loop
}

void Sessions::start_h1(ConnectionFacts facts, io::Stream stream, std::string_view received) {
  auto session = std::make_unique<SessionH1>(worker_, *this, std::move(facts), std::move(stream));
  session.release()->start(received);
}

void Sessions::start_h2(ConnectionFacts facts, io::Stream stream, std::string_view received) {
  auto session = std::make_unique<SessionH2>(worker_, *this, std::move(facts), std::move(stream));
  session.release()->start(received);
}

void Sessions::opened(Session& session, const ConnectionFacts& facts) {
  all_.push_back(session);
  ++count_;
  ++by_address_[facts.peer.address];
  worker_.stats.connections.add(1);
}

void Sessions::closed(Session& session, const ConnectionFacts& facts) {
  session.ListNode<SessionTag>::unlink();
  --count_;
  worker_.stats.connections.add(-1);
  const auto found = by_address_.find(facts.peer.address);
  if (found != by_address_.end() && --found->second == 0) by_address_.erase(found);
}

std::size_t Sessions::count_of(const wire::ip::IpAddress& address) const {
  const auto found = by_address_.find(address);
  return found == by_address_.end() ? 0 : found->second;
}

void Sessions::drain(const PortView* port) {
  for (Session* session = all_.empty() ? nullptr : &all_.front(); session;) {
    Session* next = all_.next_of(*session);
    if (!port || session->port() == port) session->drain();
    session = next;
  }
}

void Sessions::kill_all() {
  while (!all_.empty()) all_.front().kill();
}

}  // namespace headgate::proxy
