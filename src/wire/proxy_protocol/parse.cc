#include <algorithm>

#include "base/ascii.h"
#include "wire/proxy_protocol/crc32c.h"
#include "wire/proxy_protocol/proxy_protocol.h"
#include "wire/proxy_protocol/signature.h"

namespace headgate::wire::proxy_protocol {
namespace {

Parsed malformed(std::string_view problem) {
  return {.state = State::kMalformed, .problem = problem};
}

Parsed complete(std::size_t bytes, const Header& header) {
  return {.state = State::kHeader, .bytes = bytes, .header = header};
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  if (text.size() > 1 && text[0] == '0') return std::nullopt;
  const auto port = parse_decimal(text);
  if (!port || *port > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*port);
}

std::optional<ip::IpAddress> parse_address(std::string_view text, bool v6) {
  if ((text.find(':') != std::string_view::npos) != v6) return std::nullopt;
  return ip::parse_ip(text);
}

// "TCP4 source destination port port", single spaces.
Parsed parse_v1_addresses(std::string_view line, std::size_t bytes) {
  const std::string_view protocol = take_until(line, ' ');
  const bool v6 = protocol == "TCP6";
  if (!v6 && protocol != "TCP4") return malformed("v1: protocol is not TCP4, TCP6 or UNKNOWN");
  if (std::ranges::count(line, ' ') != 3)
    return malformed("v1: not four fields after the protocol");
  const auto source = parse_address(take_until(line, ' '), v6);
  const auto destination = parse_address(take_until(line, ' '), v6);
  if (!source || !destination) return malformed("v1: address");
  const auto source_port = parse_port(take_until(line, ' '));
  const auto destination_port = parse_port(line);
  if (!source_port || !destination_port) return malformed("v1: port");
  return complete(bytes, {.kind = Header::Kind::kIp,
                          .transport = Transport::kStream,
                          .source = {*source, *source_port},
                          .destination = {*destination, *destination_port}});
}

Parsed parse_v1(std::string_view in) {
  const std::string_view window = in.substr(0, kV1BytesMax);
  const std::size_t end = window.find('\n');
  if (end == std::string_view::npos)
    return in.size() < kV1BytesMax ? Parsed{} : malformed("v1: line longer than 107 bytes");
  if (window[end - 1] != '\r') return malformed("v1: line ends without CR");
  const std::string_view line = window.substr(kV1Start.size(), end - 1 - kV1Start.size());
  if (line.find('\r') != std::string_view::npos) return malformed("v1: CR inside the line");
  // After UNKNOWN, the rest of the line is to be ignored.
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return complete(end + 1, {});
  return parse_v1_addresses(line, end + 1);
}

std::size_t load16(std::string_view bytes, std::size_t at) {
  return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                                  static_cast<unsigned char>(bytes[at + 1]));
}

// The checksum covers the whole header with its own four bytes as zero.
bool checksum_holds(std::string_view header, std::size_t value_at) {
  std::uint32_t crc = crc32c(header.substr(0, value_at));
  crc = crc32c(std::string_view("\0\0\0\0", 4), crc);
  crc = crc32c(header.substr(value_at + 4), crc);
  return crc == (load16(header, value_at) << 16 | load16(header, value_at + 2));
}

// Empty when the TLVs from `at` to the end are well formed and a checksum among them holds.
std::string_view problem_of_tlvs(std::string_view header, std::size_t at) {
  while (at < header.size()) {
    if (header.size() - at < 3) return "v2: cut TLV";
    const auto type = static_cast<unsigned char>(header[at]);
    const std::size_t length = load16(header, at + 1);
    at += 3;
    if (header.size() - at < length) return "v2: TLV longer than the header";
    if (type == kTlvCrc32c && (length != 4 || !checksum_holds(header, at))) return "v2: checksum";
    at += length;
  }
  return {};
}

ip::Endpoint load_endpoint(std::string_view address, std::string_view port) {
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(address, bytes.begin());
  const auto number = static_cast<std::uint16_t>(load16(port, 0));
  if (address.size() == 16) return {ip::from_ipv6_bytes(bytes), number};
  return {{bytes, false}, number};
}

// `block` holds two addresses of `size` bytes and two ports.
void load_ip(std::string_view block, std::size_t size, Header& header) {
  header.kind = Header::Kind::kIp;
  header.source = load_endpoint(block.substr(0, size), block.substr(2 * size, 2));
  header.destination = load_endpoint(block.substr(size, size), block.substr(2 * size + 2, 2));
}

// Ends at the first NUL, unless that is the first byte: an abstract name keeps its leading NUL.
std::string_view unix_path(std::string_view padded) {
  const std::size_t end = padded.find('\0', 1);
  const std::string_view path = padded.substr(0, end);
  return path == std::string_view("\0", 1) ? std::string_view{} : path;
}

void load_unix(std::string_view block, Header& header) {
  header.kind = Header::Kind::kUnix;
  header.source_path = unix_path(block.substr(0, kUnixPathBytes));
  header.destination_path = unix_path(block.substr(kUnixPathBytes, kUnixPathBytes));
}

Parsed parse_v2_proxied(std::string_view whole, unsigned family, unsigned protocol) {
  if (family > 3 || protocol > 2) return malformed("v2: address family or transport unknown");
  Header header{.transport = static_cast<Transport>(protocol)};
  // UNSPEC in either half: the receiver ignores the addresses.
  if (family == 0 || protocol == 0) return complete(whole.size(), header);
  constexpr std::size_t kBlockBytes[] = {0, 12, 36, 2 * kUnixPathBytes};
  const std::string_view block = whole.substr(kV2FixedBytes, kBlockBytes[family]);
  if (block.size() < kBlockBytes[family]) return malformed("v2: shorter than its addresses");
  if (family == 3)
    load_unix(block, header);
  else
    load_ip(block, family == 1 ? 4 : 16, header);
  const std::string_view problem = problem_of_tlvs(whole, kV2FixedBytes + block.size());
  return problem.empty() ? complete(whole.size(), header) : malformed(problem);
}

Parsed parse_v2(std::string_view in) {
  if (in.size() < kV2FixedBytes) return {};
  const auto version_command = static_cast<unsigned char>(in[12]);
  if (version_command != 0x20 && version_command != 0x21)
    return malformed("v2: version or command unknown");
  const std::size_t bytes = kV2FixedBytes + load16(in, 14);
  if (bytes > kHeaderBytesMax) return malformed("v2: longer than 4096 bytes");
  if (in.size() < bytes) return {};
  if (version_command == 0x20) return complete(bytes, {.kind = Header::Kind::kLocal});
  const auto family = static_cast<unsigned char>(in[13]);
  return parse_v2_proxied(in.substr(0, bytes), family >> 4, family & 0xf);
}

bool agree(std::string_view in, std::string_view start) {
  const std::size_t n = std::min(in.size(), start.size());
  return in.substr(0, n) == start.substr(0, n);
}

}  // namespace

Parsed parse(std::string_view in) {
  if (in.empty()) return {};
  if (agree(in, kV1Start)) return in.size() < kV1Start.size() ? Parsed{} : parse_v1(in);
  if (agree(in, kV2Signature)) return parse_v2(in);
  return malformed("no PROXY protocol header");
}

}  // namespace headgate::wire::proxy_protocol
