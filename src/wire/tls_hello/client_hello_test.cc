#include "wire/tls_hello/client_hello.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/prng.h"

namespace headgate::wire::tls_hello {
namespace {

using namespace std::string_literals;

std::string number(std::size_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
  return out;
}
std::string vec(const std::string& body, int length_bytes) {
  return number(body.size(), length_bytes) + body;
}
std::string extension(std::size_t type, const std::string& body) {
  return number(type, 2) + vec(body, 2);
}
std::string sni(const std::string& name) { return extension(0, vec("\0"s + vec(name, 2), 2)); }
std::string alpn(const std::string& protocols) { return extension(16, vec(protocols, 2)); }
const std::string kVersions = extension(43, vec("\x1a\x1a\3\4\3\3", 1));

std::string message(const std::string& extensions) {
  const std::string body = "\3\3"s + std::string(32, 'r') + vec(std::string(32, 's'), 1) +
                           vec("\x13\1\x13\2"s, 2) + vec("\0"s, 1) + vec(extensions, 2);
  return "\1"s + vec(body, 3);
}
std::string record(const std::string& fragment) { return "\x16\3\1"s + vec(fragment, 2); }
std::string hello(const std::string& extensions) { return record(message(extensions)); }

const std::string kUsual =
    sni("Shop.Example.ORG") + extension(10, "\0\2\0\x1d"s) + alpn("\2h2\x08http/1.1") + kVersions;

void expect_usual(const Parsed& parsed) {
  ASSERT_EQ(parsed.state, State::kHello) << parsed.problem;
  EXPECT_EQ(parsed.hello.server_name, "shop.example.org");
  EXPECT_EQ(parsed.hello.alpn, (std::vector<std::string>{"h2", "http/1.1"}));
  EXPECT_EQ(parsed.hello.versions, (std::vector<std::uint16_t>{0x1a1a, kTls13, kTls12}));
}

void expect_malformed(const std::string& stream) {
  const Parsed parsed = parse(stream);
  EXPECT_EQ(parsed.state, State::kMalformed);
  EXPECT_FALSE(parsed.problem.empty());
}

TEST(ClientHello, gives_name_protocols_and_versions) {
  expect_usual(parse(hello(kUsual)));
  expect_usual(parse(hello(kUsual) + "what a client may send at once"));
}

TEST(ClientHello, every_proper_start_needs_more) {
  const std::string stream = hello(kUsual);
  for (std::size_t n = 0; n < stream.size(); ++n)
    EXPECT_EQ(parse(std::string_view(stream).substr(0, n)).state, State::kNeedMore) << n;
}

TEST(ClientHello, split_over_records_in_any_way_reads_the_same) {
  Prng random(1);
  const std::string whole = message(kUsual);
  for (int round = 0; round < 500; ++round) {
    std::string stream;
    for (std::size_t at = 0; at < whole.size();) {
      const std::size_t size = 1 + random.below(round % 2 == 0 ? 5 : 100);
      stream += record(whole.substr(at, size));
      at += size;
    }
    expect_usual(parse(stream));
    EXPECT_EQ(parse(std::string_view(stream).substr(0, random.below(stream.size()))).state,
              State::kNeedMore);
  }
}

TEST(ClientHello, without_extensions_tells_the_legacy_version_alone) {
  const std::string body =
      "\3\1"s + std::string(32, 'r') + "\0"s + vec("\0\x2f"s, 2) + vec("\0"s, 1);
  const Parsed parsed = parse(record("\1"s + vec(body, 3)));
  ASSERT_EQ(parsed.state, State::kHello);
  EXPECT_TRUE(parsed.hello.server_name.empty() && parsed.hello.alpn.empty());
  EXPECT_EQ(parsed.hello.versions, (std::vector<std::uint16_t>{0x0301}));
}

std::string seed(const char* name) {
  std::ifstream file(HEADGATE_SOURCE_DIR "/tests/fuzz/corpus/tls_hello_fuzz/" + std::string(name),
                     std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(ClientHello, reads_what_openssl_sends) {
  for (const char* name : {"openssl", "split"}) {
    const Parsed parsed = parse(seed(name));
    ASSERT_EQ(parsed.state, State::kHello) << parsed.problem;
    EXPECT_EQ(parsed.hello.server_name, "shop.example.org");
    EXPECT_EQ(parsed.hello.alpn, (std::vector<std::string>{"h2", "http/1.1"}));
    EXPECT_EQ(parsed.hello.versions, (std::vector<std::uint16_t>{kTls13, kTls12}));
  }
}

TEST(ClientHello, other_protocols_are_not_tls) {
  for (const char* stream :
       {"GET / HTTP/1.1\r\n", "SSH-2.0-x", "\x80\x2e\x01", "\x15\x03", "\x16\x02", "P"})
    EXPECT_EQ(parse(stream).state, State::kNotTls) << stream;
}

TEST(ClientHello, broken_records_and_messages_are_malformed) {
  const std::string whole = message(kUsual);
  expect_malformed("\x16\3\1\0\0"s);
  expect_malformed("\x16\3\1\x40\1"s);
  expect_malformed(record("\2"s + whole.substr(1)));
  expect_malformed(record(whole.substr(0, 9)) + "\x15\3\1\0\2\2\x28"s);
  expect_malformed(record(whole.substr(0, 9)) + "\x16\2\1\0\2\2\x28"s);
  expect_malformed(record("\1"s + number(kBytesMax, 3)));
}

TEST(ClientHello, broken_extensions_are_malformed) {
  expect_malformed(hello(sni("a.example") + sni("b.example")));
  expect_malformed(hello(extension(0, "")));
  expect_malformed(
      hello(extension(0, vec("\0"s + vec("a.example", 2) + "\0"s + vec("b.example", 2), 2))));
  expect_malformed(hello(extension(0, vec("\1"s + vec("a.example", 2), 2))));
  expect_malformed(hello(alpn("")));
  expect_malformed(hello(alpn("\0"s)));
  expect_malformed(hello(alpn("\3h2")));
  expect_malformed(hello(extension(43, vec("\3\4\3"s, 1))));
  expect_malformed(hello(extension(43, vec("", 1))));
  expect_malformed(hello("\0\0"s));
  expect_malformed(hello("\0\7\0\5abc"s));
}

TEST(ClientHello, a_server_name_is_a_dns_name) {
  for (const std::string& name :
       {"a"s, "a-b.c_d.example"s, "xn--bcher-kva.example"s, std::string(63, 'x') + ".org"})
    EXPECT_EQ(parse(hello(sni(name))).hello.server_name, name);
  for (const std::string& name :
       {""s, "a."s, ".a"s, "a..b"s, "-a.b"s, "a-.b"s, "a b"s, "a\0b"s, "192.0.2.1"s, "::1"s, "*.a"s,
        "b\xc3\xbc.de"s, std::string(64, 'x'), std::string(253, 'x') + "."})
    expect_malformed(hello(sni(name)));
}

TEST(ClientHello, a_message_is_bounded_however_it_comes) {
  std::string dribble;
  const std::string whole = message(extension(21, std::string(8000, '\0')));
  for (std::size_t at = 0; at < whole.size(); ++at) dribble += record(whole.substr(at, 1));
  EXPECT_EQ(parse(dribble.substr(0, kBytesMax - 1)).state, State::kNeedMore);
  expect_malformed(dribble.substr(0, kBytesMax));
  EXPECT_EQ(parse(hello(extension(21, std::string(12000, '\0')) + sni("a.b"))).hello.server_name,
            "a.b");
  std::string many;
  for (std::size_t i = 100; i < 300; ++i) many += extension(i, "");
  expect_malformed(hello(many));
}

}  // namespace
}  // namespace headgate::wire::tls_hello
