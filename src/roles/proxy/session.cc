#include "roles/proxy/session.h"

#include <algorithm>

#include "roles/proxy/client_handshake.h"
#include "roles/proxy/session_h1.h"
#include "roles/proxy/session_h2.h"

namespace headgate::proxy {

bool speaks_proxy_protocol(const model::PortSettings& settings, const wire::ip::IpAddress& peer) {
  const auto& from = settings.proxy_protocol_from;
  return std::any_of(from.begin(), from.end(),
                     [&](const wire::ip::Prefix& prefix) { return contains(prefix, peer); });
}

Sessions::~Sessions() { kill_all(); }

void Sessions::accept(PortView& port, io::Fd fd, const wire::ip::Endpoint& peer) {
  if (!port.port) return;
  const model::PortSettings& settings = port.port->settings;
  ConnectionFacts facts;
  facts.port = &port;
  facts.peer = peer;
  const bool full =
      settings.connections_max != 0 && count_ * worker_.workers >= settings.connections_max;
  if (full) worker_.stats.connections_refused.add();
  // Of a listed proxy it is the header that says who connects.
  if (full || (!speaks_proxy_protocol(settings, peer.address) && !admit(facts)))
    return io::set_reset_on_close(fd.get());
  worker_.stats.connections_accepted.add();
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

bool Sessions::admit(ConnectionFacts& facts) {
  const std::uint32_t max =
      facts.port->port ? facts.port->port->settings.connections_per_address_max : 0;
  auto place = worker_.client_addresses.take(facts.peer.address, max);
  if (!place) {
    worker_.stats.connections_refused.add();
    return false;
  }
  facts.place = std::move(*place);
  return true;
}

void Sessions::opened(Session& session) {
  all_.push_back(session);
  ++count_;
  worker_.stats.connections.add(1);
}

void Sessions::passed_on(Session& session) {
  session.ListNode<SessionTag>::unlink();
  --count_;
  worker_.stats.connections.add(-1);
}

void Sessions::closed(Session& session, ConnectionFacts& facts) {
  passed_on(session);
  facts.place.release();
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
