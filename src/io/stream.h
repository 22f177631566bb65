#pragma once
// A connected byte stream, plain or TLS, of one loop's thread. Reads and writes are optimistic: call them, and wait for
// readiness only when they say kWouldBlock. A concrete class with one branch: no virtual call on the request path.
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/fd.h"
#include "io/socket.h"

using SSL = struct ssl_st;

namespace headgate::io {

struct SslFree {
  void operator()(SSL* ssl) const;
};
using SslPtr = std::unique_ptr<SSL, SslFree>;

class Stream {
 public:
  Stream() = default;
  explicit Stream(Fd fd) : fd_(std::move(fd)) {}
  // `ssl` is in its initial state (accept or connect state set) and gets this descriptor.
  Stream(Fd fd, SslPtr ssl);

  int fd() const { return fd_.get(); }
  bool valid() const { return fd_.valid(); }
  bool is_tls() const { return ssl_ != nullptr; }
  SSL* ssl() const { return ssl_.get(); }

  // kDone: ready; kWouldBlock: wait for either direction; kFailed: see handshake_error().
  Transfer::State handshake();
  std::string handshake_error() const;

  // Fills `into`. `drained()` tells afterwards whether the kernel buffer was emptied, so that an edge-triggered reader
  // may stop without a further call that returns EAGAIN.
  Transfer read(char* into, std::size_t capacity);
  bool drained() const { return drained_; }

  // May send a part. On TLS the pieces are joined into as few records as possible.
  Transfer write(std::string_view bytes);
  Transfer write(std::string_view first, std::string_view second, std::string_view third);

  // Ends our direction: close_notify and FIN.
  void shutdown();
  void close();
  // Gives up the descriptor of a plain stream (hand-over to another worker).
  Fd take_fd() { return std::move(fd_); }

 private:
  Transfer read_tls(char* into, std::size_t capacity);
  Transfer write_tls(std::string_view bytes);
  Transfer write_tls_joined(std::string_view first, std::string_view second, std::string_view third);

  Fd fd_;
  SslPtr ssl_;
  bool drained_ = false;
};

}  // namespace headgate::io
