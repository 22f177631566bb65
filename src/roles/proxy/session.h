#pragma once
// A client connection of any protocol, as the worker sees it: for drain, limits and status. Owns itself: it retires into the
// loop when it is over. Worker thread.
#include <string>

#include "base/list.h"
#include "io/loop.h"
#include "io/stream.h"
#include "roles/proxy/connection_facts.h"
#include "roles/proxy/worker_context.h"
#include "wire/ip/address.h"

namespace headgate::proxy {

struct SessionTag;

class Sessions;

// Connections from it begin with a PROXY header.
bool speaks_proxy_protocol(const model::PortSettings& settings, const wire::ip::IpAddress& peer);

class Session : public io::EventHandler, public ListNode<SessionTag> {
 public:
  explicit Session(Sessions& sessions) : sessions_(sessions) {}
  // Finishes what is under way, tells the peer, takes nothing new.
  virtual void drain() = 0;
  // Ends now.
  virtual void kill() = 0;
  virtual bool idle() const = 0;
  virtual const PortView* port() const = 0;

 protected:
  Sessions& sessions_;
};

// All client connections of a worker, and the way from one protocol to the next.
class Sessions {
 public:
  explicit Sessions(WorkerContext& worker) : worker_(worker) {}
  ~Sessions();

  // A new connection of a port: handshake, PROXY protocol, then the session of its protocol.
  void accept(PortView& port, io::Fd fd, const wire::ip::Endpoint& peer);
  void start_h1(ConnectionFacts facts, io::Stream stream, std::string_view received);
  void start_h2(ConnectionFacts facts, io::Stream stream, std::string_view received);
  void start_forward(ConnectionFacts facts, io::Stream stream, std::string_view received, std::string_view server_name);

  // Takes a place among the connections of the peer's address. False, and counted: its limit says
  // no.
  bool admit(ConnectionFacts& facts);
  void opened(Session& session);
  // The connection goes on as another session, which gets the facts.
  void passed_on(Session& session);
  // The connection is over: its place is free at once.
  void closed(Session& session, ConnectionFacts& facts);

  std::size_t count() const { return count_; }
  // Of one port that left the configuration, or of all (null).
  void drain(const PortView* port);
  void kill_all();
  List<Session, SessionTag>& all() { return all_; }

 private:
  WorkerContext& worker_;
  List<Session, SessionTag> all_;
  std::size_t count_ = 0;
};

}  // namespace headgate::proxy
