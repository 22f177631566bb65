#include "base/ascii.h"
#include "wire/proxy_protocol/crc32c.h"
#include "wire/proxy_protocol/proxy_protocol.h"
#include "wire/proxy_protocol/signature.h"

namespace headgate::wire::proxy_protocol {
namespace {

// As the pair's common family: mapped when the other side is IPv6.
ip::IpAddress widened(const ip::IpAddress& address, bool v6) {
  return v6 ? ip::IpAddress{ip::to_ipv6_bytes(address), true} : address;
}

void append_bytes(std::string& out, const ip::IpAddress& address) {
  out.append(reinterpret_cast<const char*>(address.bytes.data()), address.size());
}

void append16(std::string& out, std::size_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value);
}

void append_checksum(std::string& out, std::size_t start) {
  out += static_cast<char>(kTlvCrc32c);
  append16(out, 4);
  out.append(4, '\0');
  const std::uint32_t crc = crc32c(std::string_view(out).substr(start));
  out.resize(out.size() - 4);
  append16(out, crc >> 16 & 0xffff);
  append16(out, crc & 0xffff);
}

}  // namespace

void append_v1(std::string& out, const ip::Endpoint& source, const ip::Endpoint& destination) {
  const bool v6 = source.address.v6 || destination.address.v6;
  out += kV1Start;
  out += v6 ? "TCP6 " : "TCP4 ";
  ip::append_to(out, widened(source.address, v6));
  out += ' ';
  ip::append_to(out, widened(destination.address, v6));
  out += ' ';
  append_decimal(out, source.port);
  out += ' ';
  append_decimal(out, destination.port);
  out += "\r\n";
}

void append_v1_unknown(std::string& out) {
  out += kV1Start;
  out += "UNKNOWN\r\n";
}

void append_v2(std::string& out, const ip::Endpoint& source, const ip::Endpoint& destination,
               Transport transport, Checksum checksum) {
  const bool v6 = source.address.v6 || destination.address.v6;
  const std::size_t start = out.size();
  out += kV2Signature;
  out += '\x21';
  out += static_cast<char>((v6 ? 0x20 : 0x10) | static_cast<int>(transport));
  append16(out, (v6 ? 36U : 12U) + (checksum == Checksum::kCrc32c ? 7U : 0U));
  append_bytes(out, widened(source.address, v6));
  append_bytes(out, widened(destination.address, v6));
  append16(out, source.port);
  append16(out, destination.port);
  if (checksum == Checksum::kCrc32c) append_checksum(out, start);
}

void append_v2_local(std::string& out) {
  out += kV2Signature;
  out += std::string_view("\x20\0\0\0", 4);
}

}  // namespace headgate::wire::proxy_protocol
