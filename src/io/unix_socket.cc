#include "io/unix_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

namespace headgate::io {

namespace {

struct alignas(cmsghdr) ControlBuffer {
  char bytes[CMSG_SPACE(kMessageFdsMax * sizeof(int))];
};

void attach(msghdr& message, ControlBuffer& control, std::span<const int> fds) {
  if (fds.empty()) return;
  message.msg_control = control.bytes;
  message.msg_controllen = CMSG_SPACE(fds.size_bytes());
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(fds.size_bytes());
  std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
}

// Takes ownership of all that arrived, so that none leaks when the message is dropped.
std::vector<Fd> take_descriptors(msghdr& message) {
  std::vector<Fd> fds;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      fds.emplace_back(fd);
    }
  }
  return fds;
}

}  // namespace

Result<std::pair<Fd, Fd>> make_socket_pair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0) {
    return fail_errno("socketpair", errno);
  }
  return std::pair(Fd(fds[0]), Fd(fds[1]));
}

Status send_message(int fd, std::string_view bytes, std::span<const int> fds) {
  if (bytes.empty()) return fail(Code::kInvalid, "send message: it is empty");
  if (bytes.size() > kMessageBytesMax || fds.size() > kMessageFdsMax) {
    return fail(Code::kExhausted,
                fmt::format("send message: {} bytes and {} descriptors, the limits are {} and {}",
                            bytes.size(), fds.size(), kMessageBytesMax, kMessageFdsMax));
  }
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  ControlBuffer control{};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  attach(message, control, fds);
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(fd, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return {};
  if (errno == EAGAIN) {
    return std::unexpected(
        Error{Code::kExhausted, Source::kSelf, true, "send message: the peer does not read"});
  }
  return fail_errno("send message", errno);
}

Result<std::optional<Message>> receive_message(int fd) {
  Message received;
  received.bytes.resize(kMessageBytesMax);
  iovec piece{received.bytes.data(), received.bytes.size()};
  ControlBuffer control{};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  ssize_t got = 0;
  do {
    got = ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN) return std::nullopt;
  if (got < 0) return fail_errno("receive message", errno);
  received.fds = take_descriptors(message);
  if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
    return fail(Code::kInvalid, "receive message: longer than the limits, dropped");
  }
  if (got == 0) return fail(Code::kUnavailable, "receive message: the peer has closed");
  received.bytes.resize(static_cast<std::size_t>(got));
  return received;
}

}  // namespace headgate::io
