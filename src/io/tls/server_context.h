#pragma once
// TLS of one listening port: several listeners told apart by SNI, each with its certificates,
// policy, client validation and protocols. Immutable after make(); any worker may call accept(). A
// change of configuration makes a new one, which takes unchanged listeners over from `previous`;
// connections keep the one that they began with alive by themselves.
//
// Choice of the listener: exact name, longest wildcard, "" listener. Without SNI: the "" listener,
// else the first. An SNI that no listener takes: fatal unrecognized_name, or the same as without
// SNI (unknown_name_gets_default). Sessions resume by ticket alone, never across listeners or
// client CAs; no early data. Limits: kListenersMax listeners, 64 certificates and 128 client CAs
// each.
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "base/time.h"
#include "io/stream.h"
#include "io/tls/name_table.h"
#include "io/tls/server_config.h"
#include "io/tls/ticket_keys.h"

namespace headgate::io::tls {

class ListenerContext;

class ServerContext {
 public:
  static constexpr std::size_t kListenersMax = 16384;

  // `now` dates the warnings. Errors name the listener or the certificate and what is wrong with
  // it.
  static Result<std::shared_ptr<ServerContext>> make(const ServerConfig& config,
                                                     std::shared_ptr<TicketKeys> keys, WallTime now,
                                                     const ServerContext* previous = nullptr);

  // A connection that awaits a ClientHello; hand it to Stream. Null when memory ran out.
  SslPtr accept() const;
  // Expired certificates, chains out of order: served as they are.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  struct Entry {  // what a connection points at
    const ServerContext* owner = nullptr;
    std::shared_ptr<const ListenerContext> listener;
    std::uint32_t index = 0;
  };
  friend struct Callbacks;
  friend std::uint32_t listener_index(const SSL* ssl);

  ServerContext() = default;
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;
  ~ServerContext();
  Status add(const ServerListener& listener, WallTime now, const ServerContext* previous);
  void acquire() const { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() const;
  const Entry* find(std::string_view server_name) const;  // null: no listener takes this name
  std::shared_ptr<const ListenerContext> find_unchanged(const std::string& digest) const;

  std::vector<Entry> entries_;  // never resized after make()
  NameTable names_;
  std::unordered_map<std::string, std::uint32_t, StringHash> by_digest_;
  const Entry* default_ = nullptr;
  bool unknown_name_gets_default_ = false;
  std::shared_ptr<TicketKeys> keys_;
  std::vector<std::string> warnings_;
  mutable std::atomic<std::uint32_t> references_{
      1};  // the shared pointers count as one, each connection as one
};

// Which listener of ServerConfig the connection was given; the default one before its ClientHello.
std::uint32_t listener_index(const SSL* ssl);

}  // namespace headgate::io::tls
