#include "io/socket.h"

#include <netinet/in.h>
#include <linux/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "io/socket_address.h"

namespace headgate::io {

namespace {

Result<RawAddress> to_raw_unix(const std::string& path) {
  RawAddress raw;
  auto* un = reinterpret_cast<sockaddr_un*>(&raw.storage);
  if (path.size() >= sizeof un->sun_path) {
    return fail(Code::kInvalid, "unix socket path is longer than 107 bytes: " + path);
  }
  un->sun_family = AF_UNIX;
  std::memcpy(un->sun_path, path.data(), path.size());
  if (path[0] == '@') un->sun_path[0] = '\0';
  raw.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (path[0] == '@' ? 0 : 1));
  return raw;
}

void set_option(int fd, int level, int name, int value) { ::setsockopt(fd, level, name, &value, sizeof value); }

Transfer outcome(ssize_t n) {
  if (n >= 0) return {Transfer::State::kDone, static_cast<std::size_t>(n), 0};
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {Transfer::State::kWouldBlock, 0, 0};
  if (errno == EPIPE) return {Transfer::State::kClosed, 0, errno};
  return {Transfer::State::kFailed, 0, errno};
}

// Binds for "" to the dual-stack wildcard, and to the IPv4 one where the machine has no IPv6.
Result<Fd> bind_socket(std::string_view address, std::uint16_t port, int type,
                       int option_for_bind = 0) {
  wire::ip::Endpoint endpoint;
  endpoint.port = port;
  endpoint.address.v6 = address.empty();
  if (!address.empty()) {
    const auto parsed = wire::ip::parse_ip(address);
    if (!parsed) return fail(Code::kInvalid, "not an IP address: " + std::string(address));
    endpoint.address = *parsed;
  }
  Fd fd(::socket(endpoint.address.v6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid() && address.empty() && errno == EAFNOSUPPORT)
    return bind_socket("0.0.0.0", port, type, option_for_bind);
  if (!fd.valid()) return fail_errno("socket", errno);
  if (endpoint.address.v6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, address.empty() ? 0 : 1);
  if (type == SOCK_STREAM) set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (option_for_bind != 0) set_option(fd.get(), SOL_SOCKET, option_for_bind, 1);
  RawAddress raw = to_raw(endpoint);
  if (::bind(fd.get(), raw.get(), raw.length) != 0) {
    const int error = errno;
    std::string where = "bind " + std::string(address.empty() ? "*" : address) + ":";
    where += std::to_string(port);
    return fail_errno(where, error);
  }
  return fd;
}

Result<Fd> connect_socket(const SocketAddress& to, int type) {
  RawAddress raw;
  int family = AF_UNIX;
  if (to.unix_path.empty()) {
    raw = to_raw(to.endpoint);
    family = to.endpoint.address.v6 ? AF_INET6 : AF_INET;
  } else {
    auto made = to_raw_unix(to.unix_path);
    if (!made) return std::unexpected(made.error());
    raw = *made;
  }
  Fd fd(::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fail_errno("socket", errno);
  if (type == SOCK_STREAM && family != AF_UNIX) set_no_delay(fd.get());
  if (::connect(fd.get(), raw.get(), raw.length) != 0 && errno != EINPROGRESS) {
    const int error = errno;
    return fail_errno("connect " + to_string(to), error);
  }
  return fd;
}

}  // namespace

std::string to_string(const SocketAddress& address) {
  return address.unix_path.empty() ? wire::ip::to_string(address.endpoint) : "unix:" + address.unix_path;
}

namespace {
// Straight into the kernel: the functions of libc are cancellation points, and that costs two atomic operations a call.
Transfer receive_with(int fd, char* into, std::size_t capacity, int flags) {
  Transfer transfer = outcome(::syscall(SYS_recvfrom, fd, into, capacity, flags, nullptr, nullptr));
  if (transfer.state == Transfer::State::kDone && transfer.bytes == 0 && capacity > 0) {
    transfer.state = Transfer::State::kClosed;
  }
  return transfer;
}
}  // namespace

Transfer receive(int fd, char* into, std::size_t capacity) { return receive_with(fd, into, capacity, 0); }
Transfer peek(int fd, char* into, std::size_t capacity) { return receive_with(fd, into, capacity, MSG_PEEK); }

Transfer send(int fd, std::string_view bytes) { 
  return outcome(::syscall(SYS_sendto, fd, bytes.data(), bytes.size(), MSG_NOSIGNAL, nullptr, 0));
}

Transfer send(int fd, std::span<const iovec> pieces) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());
  message.msg_iovlen = pieces.size();
  return outcome(::syscall(SYS_sendmsg, fd, &message, MSG_NOSIGNAL));
}

Result<Fd> listen_tcp(std::string_view address, std::uint16_t port, int backlog) {
  auto fd = bind_socket(address, port, SOCK_STREAM);
  if (!fd) return fd;
  if (::listen(fd->get(), backlog) != 0) return fail_errno("listen", errno);
  return fd;
}

// With SO_REUSEPORT a bind succeeds beside any other program of the user, and the two would divide
// the clients between them without a word. So the first socket of a port is bound without it, and
// lets others join afterwards. With SO_REUSEADDR it succeeds beside sockets that have this option
// too: of ours, those that stopped receiving.
Result<Fd> bind_udp(std::string_view address, std::uint16_t port, UdpShare share) {
  const int option = share == UdpShare::kFurther ? SO_REUSEPORT
                     : share == UdpShare::kAgain ? SO_REUSEADDR
                                                 : 0;
  auto fd = bind_socket(address, port, SOCK_DGRAM, option);
  if (fd) set_option(fd->get(), SOL_SOCKET, SO_REUSEPORT, 1);
  if (fd && share == UdpShare::kAgain) set_option(fd->get(), SOL_SOCKET, SO_REUSEADDR, 0);
  return fd;
}

Result<Fd> connect_stream(const SocketAddress& to) { return connect_socket(to, SOCK_STREAM); }
Result<Fd> connect_datagram(const SocketAddress& to) { return connect_socket(to, SOCK_DGRAM); }

int connect_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

Result<Accepted> accept_stream(int listen_fd) {
  RawAddress raw;
  raw.length = sizeof raw.storage;
  Accepted accepted{Fd(::accept4(listen_fd, raw.get(), &raw.length, SOCK_NONBLOCK | SOCK_CLOEXEC)), {}};
  if (accepted.fd.valid()) {
    accepted.peer = from_raw(raw.storage);
    return accepted;
  }
  switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: return fail(Code::kExhausted, "accept: out of descriptors or memory");
    default: return fail(Code::kUnavailable, "accept: nothing waits");
  }
}

wire::ip::Endpoint local_endpoint(int fd) {
  RawAddress raw;
  raw.length = sizeof raw.storage;
  ::getsockname(fd, raw.get(), &raw.length);
  return from_raw(raw.storage);
}

wire::ip::Endpoint peer_endpoint(int fd) {
  RawAddress raw;
  raw.length = sizeof raw.storage;
  ::getpeername(fd, raw.get(), &raw.length);
  return from_raw(raw.storage);
}

void set_no_delay(int fd) { set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1); }

std::uint64_t acknowledged_bytes(int fd) {
  tcp_info info{};
  socklen_t length = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return 0;
  return info.tcpi_bytes_acked;
}

void acknowledge_now(int fd) { set_option(fd, IPPROTO_TCP, TCP_QUICKACK, 1); }

void set_reset_on_close(int fd) {
  const linger now{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void shutdown_write(int fd) { ::shutdown(fd, SHUT_WR); }
void stop_queueing(int fd) { ::listen(fd, 0); }
void stop_listening(int fd) { ::shutdown(fd, SHUT_RD); }

// A connected socket is passed over when the system deals out the datagrams of a port, and hears
// its peer alone: here itself.
void stop_receiving(int fd) {
  wire::ip::Endpoint self = local_endpoint(fd);
  if (wire::ip::is_unspecified(self.address)) {
    self.address = self.address.v6 ? *wire::ip::parse_ip("::1") : wire::ip::ipv4(127, 0, 0, 1);
  }
  RawAddress raw = to_raw(self);
  ::connect(fd, raw.get(), raw.length);
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);  // see bind_udp
}

bool has_pending_input(int fd) {
  char byte;
  const ssize_t n = ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

}  // namespace headgate::io
