#include "io/datagram.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "io/socket_address.h"

namespace headgate::io {

namespace {

constexpr std::size_t kSlotBytes = 65536;
static_assert(kSlotBytes >= kDatagramBytesMax, "a slot holds any datagram");

union ControlSpace {
  cmsghdr align;
  char bytes[CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(in_pktinfo))];
};

Transfer::State state_of_errno(int error) {
  const bool later = error == EAGAIN || error == EWOULDBLOCK || error == EINTR || error == ENOBUFS;
  return later ? Transfer::State::kWouldBlock : Transfer::State::kFailed;
}

// Where the datagram was sent to, from its control messages.
wire::ip::IpAddress local_address(msghdr& message) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      wire::ip::IpAddress address;
      std::memcpy(address.bytes.data(), &info.ipi_addr, 4);
      return address;
    }
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      std::array<std::uint8_t, 16> bytes;
      std::memcpy(bytes.data(), &info.ipi6_addr, 16);
      return wire::ip::from_ipv6_bytes(bytes);
    }
  }
  return {};
}

template <typename Info>
void put_control(msghdr& message, ControlSpace& space, int level, int type, const Info& info) {
  message.msg_control = space.bytes;
  message.msg_controllen = CMSG_SPACE(sizeof info);
  cmsghdr* c = CMSG_FIRSTHDR(&message);
  c->cmsg_level = level;
  c->cmsg_type = type;
  c->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(c), &info, sizeof info);
}

// An IPv6 socket takes a mapped IPv4 address in the IPv6 message, too.
void put_source(msghdr& message, ControlSpace& space, const wire::ip::IpAddress& from, bool v6_socket) {
  if (v6_socket) {
    in6_pktinfo info{};
    const auto bytes = wire::ip::to_ipv6_bytes(from);
    std::memcpy(&info.ipi6_addr, bytes.data(), 16);
    put_control(message, space, IPPROTO_IPV6, IPV6_PKTINFO, info);
  } else {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, from.bytes.data(), 4);
    put_control(message, space, IPPROTO_IP, IP_PKTINFO, info);
  }
}

bool is_v6_socket(int fd) {
  int family = 0;
  socklen_t length = sizeof family;
  return ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length) == 0 && family == AF_INET6;
}

Sent send_batch(int fd, const msghdr& like, std::span<const std::string_view> datagrams) {
  std::array<mmsghdr, kDatagramBatch> messages;
  std::array<iovec, kDatagramBatch> pieces;
  const std::size_t count = std::min(datagrams.size(), kDatagramBatch);
  for (std::size_t i = 0; i < count; ++i) {
    pieces[i] = {const_cast<char*>(datagrams[i].data()), datagrams[i].size()};
    messages[i] = {like, 0};
    messages[i].msg_hdr.msg_iov = &pieces[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  Sent sent;
  while (sent.count < count) {
    const int n = ::sendmmsg(fd, &messages[sent.count], static_cast<unsigned>(count - sent.count), MSG_NOSIGNAL);
    if (n <= 0) {
      sent.error = errno;
      sent.state = state_of_errno(sent.error);
      return sent;
    }
    sent.count += static_cast<std::size_t>(n);
  }
  return sent;
}

}  // namespace

DatagramBatch::DatagramBatch()
    : buffer_(std::make_unique_for_overwrite<char[]>(kDatagramBatch * kSlotBytes)), datagrams_(kDatagramBatch) {}

Transfer::State DatagramBatch::receive(int fd) { return receive(fd, true); }
Transfer::State DatagramBatch::receive_connected(int fd) { return receive(fd, false); }

Transfer::State DatagramBatch::receive(int fd, bool with_addresses) {
  std::array<mmsghdr, kDatagramBatch> messages{};
  std::array<iovec, kDatagramBatch> pieces;
  std::array<sockaddr_storage, kDatagramBatch> peers;
  std::array<ControlSpace, kDatagramBatch> controls;
  for (std::size_t i = 0; i < kDatagramBatch; ++i) {
    pieces[i] = {buffer_.get() + i * kSlotBytes, kSlotBytes};
    msghdr& header = messages[i].msg_hdr;
    header.msg_iov = &pieces[i];
    header.msg_iovlen = 1;
    if (!with_addresses) continue;
    header.msg_name = &peers[i];
    header.msg_namelen = sizeof peers[i];
    header.msg_control = controls[i].bytes;
    header.msg_controllen = sizeof controls[i].bytes;
  }
  count_ = 0;
  error_ = 0;
  const int n = ::recvmmsg(fd, messages.data(), kDatagramBatch, MSG_DONTWAIT, nullptr);
  if (n < 0) {
    error_ = errno;
    return state_of_errno(error_);
  }
  count_ = static_cast<std::size_t>(n);
  for (std::size_t i = 0; i < count_; ++i) {
    Datagram& datagram = datagrams_[i];
    datagram = {{buffer_.get() + i * kSlotBytes, messages[i].msg_len}, {}, {}};
    if (!with_addresses) continue;
    datagram.peer = from_raw(peers[i]);
    datagram.local = local_address(messages[i].msg_hdr);
  }
  return Transfer::State::kDone;
}

void report_local_address(int fd) {
  const int on = 1;
  if (is_v6_socket(fd)) ::setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
  else ::setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
}

Sent send_connected(int fd, std::span<const std::string_view> datagrams) { return send_batch(fd, {}, datagrams); }

Sent send_to(int fd, const wire::ip::Endpoint& to, const wire::ip::IpAddress& from,
             std::span<const std::string_view> datagrams) {
  const bool v6_socket = is_v6_socket(fd);
  RawAddress raw = v6_socket ? to_raw_v6(to) : to_raw(to);
  msghdr message{};
  ControlSpace control{};
  message.msg_name = raw.get();
  message.msg_namelen = raw.length;
  if (!wire::ip::is_unspecified(from)) put_source(message, control, from, v6_socket);
  return send_batch(fd, message, datagrams);
}

}  // namespace headgate::io
