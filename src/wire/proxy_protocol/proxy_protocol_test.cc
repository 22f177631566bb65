#include "wire/proxy_protocol/proxy_protocol.h"

#include <gtest/gtest.h>

#include "base/prng.h"
#include "wire/proxy_protocol/crc32c.h"

namespace headgate::wire::proxy_protocol {
namespace {

using namespace std::string_literals;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string v2(char command, char family, const std::string& rest) {
  return kSignature + command + family + static_cast<char>(rest.size() >> 8) +
         static_cast<char>(rest.size()) + rest;
}

const std::string kFour = "\x0a\0\0\1\x0a\0\0\2\x1f\x90\1\xbb"s;

// Every proper start needs more; the whole parses and leaves what follows alone.
Parsed parse_bytewise(const std::string& header) {
  for (std::size_t n = 0; n < header.size(); ++n)
    EXPECT_EQ(parse(std::string_view(header).substr(0, n)).state, State::kNeedMore) << n;
  const std::string followed = header + "GET / HTTP/1.1\r\n";
  const Parsed parsed = parse(header);
  EXPECT_EQ(parsed.state, State::kHeader) << parsed.problem;
  EXPECT_EQ(parsed.bytes, header.size());
  EXPECT_EQ(parse(followed).bytes, header.size());
  return parsed;
}

void expect_malformed(const std::string& in) {
  const Parsed parsed = parse(in);
  EXPECT_EQ(parsed.state, State::kMalformed) << in;
  EXPECT_FALSE(parsed.problem.empty());
}

TEST(ProxyProtocol, reads_version_1_of_both_families) {
  const Header four = parse_bytewise("PROXY TCP4 192.0.2.1 192.0.2.2 40000 443\r\n").header;
  EXPECT_EQ(four.kind, Header::Kind::kIp);
  EXPECT_EQ(to_string(four.source), "192.0.2.1:40000");
  EXPECT_EQ(to_string(four.destination), "192.0.2.2:443");
  const Header six = parse_bytewise("PROXY TCP6 2001:db8::1 ::ffff:10.0.0.1 1 0\r\n").header;
  EXPECT_EQ(to_string(six.source), "[2001:db8::1]:1");
  EXPECT_EQ(to_string(six.destination), "10.0.0.1:0");
}

TEST(ProxyProtocol, version_1_unknown_tells_no_address_whatever_follows) {
  EXPECT_EQ(parse_bytewise("PROXY UNKNOWN\r\n").header.kind, Header::Kind::kUnknown);
  const std::string ff = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  const std::string longest = "PROXY UNKNOWN " + ff + " " + ff + " 65535 65535\r\n";
  ASSERT_EQ(longest.size(), kV1BytesMax);
  EXPECT_EQ(parse_bytewise(longest).header.kind, Header::Kind::kUnknown);
}

TEST(ProxyProtocol, refuses_loose_version_1_lines) {
  for (const char* in :
       {"GET / HTTP/1.1\r\n", "PROXYTCP4", "proxy TCP4 1.1.1.1 1.1.1.1 1 1\r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 1 1\n", "PROXY TCP4 1.1.1.1 1.1.1.1 1 1 \r\n",
        "PROXY  TCP4 1.1.1.1 1.1.1.1 1 1\r\n", "PROXY TCP4 1.1.1.1  1.1.1.1 1\r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 01 1\r\n", "PROXY TCP4 1.1.1.1 1.1.1.1 65536 1\r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n", "PROXY TCP4 ::1 ::1 1 1\r\n",
        "PROXY TCP6 1.1.1.1 1.1.1.1 1 1\r\n", "PROXY UDP4 1.1.1.1 1.1.1.1 1 1\r\n",
        "PROXY UNKNOWNS\r\n", "PROXY \r\n", "PROXY \n", "PROXY TCP4 1.1.1.1 1.1.1.1 +1 1\r\n",
        "PROXY UNKNOWN\r x\r\n"})
    expect_malformed(in);
  expect_malformed("PROXY UNKNOWN " + std::string(kV1BytesMax, 'x'));
}

TEST(ProxyProtocol, reads_version_2_of_every_kind) {
  const Header four = parse_bytewise(v2(0x21, 0x11, kFour)).header;
  EXPECT_EQ(to_string(four.source), "10.0.0.1:8080");
  EXPECT_EQ(to_string(four.destination), "10.0.0.2:443");
  EXPECT_EQ(four.transport, Transport::kStream);
  EXPECT_EQ(parse_bytewise(v2(0x21, 0x12, kFour)).header.transport, Transport::kDatagram);
  const std::string six = std::string(15, '\0') + '\1' + std::string(15, '\0') + "\2\0\1\0\2"s;
  EXPECT_EQ(to_string(parse_bytewise(v2(0x21, 0x21, six)).header.destination), "[::2]:2");
  const std::string paths = "/run/a"s + std::string(102, '\0') + "\0ab"s + std::string(105, '\0');
  const std::string in = v2(0x21, 0x31, paths);  // the views of the header point into it
  const Header local_socket = parse(in).header;
  EXPECT_EQ(parse_bytewise(in).state, State::kHeader);
  EXPECT_EQ(local_socket.kind, Header::Kind::kUnix);
  EXPECT_EQ(local_socket.source_path, "/run/a");
  EXPECT_EQ(local_socket.destination_path, "\0ab"s);
  EXPECT_EQ(parse_bytewise(v2(0x21, 0x00, "whatever")).header.kind, Header::Kind::kUnknown);
}

TEST(ProxyProtocol, local_skips_whatever_the_header_says) {
  EXPECT_EQ(parse_bytewise(v2(0x20, 0x00, "")).header.kind, Header::Kind::kLocal);
  EXPECT_EQ(parse_bytewise(v2(0x20, 0x11, kFour)).header.kind, Header::Kind::kLocal);
  std::string written;
  append_v2_local(written);
  EXPECT_EQ(parse_bytewise(written).header.kind, Header::Kind::kLocal);
}

TEST(ProxyProtocol, refuses_broken_version_2_headers) {
  expect_malformed(v2(0x11, 0x11, kFour));
  expect_malformed(v2(0x22, 0x11, kFour));
  expect_malformed(v2(0x21, 0x41, kFour));
  expect_malformed(v2(0x21, 0x13, kFour));
  expect_malformed(v2(0x21, 0x11, kFour.substr(1)));
  expect_malformed(v2(0x21, 0x21, kFour));
  expect_malformed(v2(0x21, 0x11, kFour + "\x04"s));
  expect_malformed(v2(0x21, 0x11, kFour + "\x04\0\2x"s));
  expect_malformed("\r\n\r\nGET"s);
  expect_malformed(v2(0x21, 0x11, kFour + std::string(4096, '\0')).substr(0, 16));
}

TEST(ProxyProtocol, skips_tlvs_and_proves_the_checksum) {
  EXPECT_EQ(parse_bytewise(v2(0x21, 0x11, kFour + "\x04\0\3abc\x02\0\0"s)).header.source.port,
            8080);
  std::string good;
  append_v2(good, {ip::ipv4(1, 2, 3, 4), 5}, {ip::ipv4(6, 7, 8, 9), 10}, Transport::kStream,
            Checksum::kCrc32c);
  EXPECT_EQ(parse_bytewise(good).header.source.port, 5);
  for (std::size_t at = 16; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    // Turning the TLV into another type hides the checksum; every other flip shows.
    const bool hidden = at == 28;
    EXPECT_EQ(parse(bad).state, hidden ? State::kHeader : State::kMalformed) << at;
  }
  expect_malformed(v2(0x21, 0x11, kFour + "\x03\0\3abc"s));
}

TEST(ProxyProtocol, what_is_written_reads_back) {
  Prng random(1);
  for (int round = 0; round < 2000; ++round) {
    ip::Endpoint ends[2];
    for (ip::Endpoint& end : ends) {
      end.address.v6 = random.below(2) == 0;
      for (std::size_t i = 0; i < end.address.size(); ++i)
        end.address.bytes[i] = static_cast<std::uint8_t>(random.next());
      end.port = static_cast<std::uint16_t>(random.next());
    }
    for (const int form : {0, 1, 2}) {
      std::string out = "before";
      if (form == 0) append_v1(out, ends[0], ends[1]);
      if (form == 1) append_v2(out, ends[0], ends[1], Transport::kDatagram);
      if (form == 2) append_v2(out, ends[0], ends[1], Transport::kStream, Checksum::kCrc32c);
      const Parsed parsed = parse(std::string_view(out).substr(6));
      ASSERT_EQ(parsed.state, State::kHeader) << parsed.problem << out;
      EXPECT_EQ(parsed.header.source, ends[0]);
      EXPECT_EQ(parsed.header.destination, ends[1]);
      EXPECT_EQ(parsed.bytes + 6, out.size());
    }
  }
  std::string unknown;
  append_v1_unknown(unknown);
  EXPECT_EQ(parse_bytewise(unknown).header.kind, Header::Kind::kUnknown);
}

}  // namespace
}  // namespace headgate::wire::proxy_protocol
