#pragma once
// Datagrams in batches: one system call receives or sends up to kBatch of them. Any size that UDP can carry; a received one
// is never cut. A batch's buffer is address space alone until datagrams of that size arrive. One thread.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "io/socket.h"
#include "wire/ip/address.h"

namespace headgate::io {

inline constexpr std::size_t kDatagramBatch = 16;
inline constexpr std::size_t kDatagramBytesMax = 65535;

struct Datagram {
  std::string_view bytes;      // in the batch's buffer; empty is a valid datagram
  wire::ip::Endpoint peer;     // who sent it; not set on a connected socket
  wire::ip::IpAddress local;   // where it was sent to; unspecified unless report_local_address() was called
};

// Where batches are received. Views of one receive() are valid until the next.
class DatagramBatch {
 public:
  DatagramBatch();
  // kDone with at least one datagram, kWouldBlock, or kFailed with errno (ECONNREFUSED on a connected socket: the peer's
  // machine says that nothing listens there).
  Transfer::State receive(int fd);
  // Without the addresses, which a connected socket knows.
  Transfer::State receive_connected(int fd);
  std::span<const Datagram> datagrams() const { return {datagrams_.data(), count_}; }
  int error() const { return error_; }

 private:
  Transfer::State receive(int fd, bool with_addresses);

  std::unique_ptr<char[]> buffer_;
  std::vector<Datagram> datagrams_;
  std::size_t count_ = 0;
  int error_ = 0;
};

// Makes received datagrams tell the address they were sent to, so that answers can leave from it: for sockets that are
// bound to every address.
void report_local_address(int fd);

// How many of `datagrams` (at most kDatagramBatch) the kernel took, from the first on. kWouldBlock and kFailed belong to the
// first one that it did not take.
struct Sent {
  std::size_t count = 0;
  Transfer::State state = Transfer::State::kDone;
  int error = 0;
};
Sent send_connected(int fd, std::span<const std::string_view> datagrams);
// From an unconnected socket; `from` unspecified: the kernel chooses.
Sent send_to(int fd, const wire::ip::Endpoint& to, const wire::ip::IpAddress& from, std::span<const std::string_view> datagrams);

}  // namespace headgate::io
