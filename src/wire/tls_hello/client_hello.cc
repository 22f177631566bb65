#include "wire/tls_hello/client_hello.h"

#include <algorithm>

#include "base/ascii.h"
#include "wire/ip/address.h"
#include "wire/tls_hello/cursor.h"

namespace headgate::wire::tls_hello {
namespace {

constexpr std::size_t kRecordHead = 5, kMessageHead = 4;
constexpr std::size_t kRecordBytesMax = 1 << 14;  // RFC 8446 §5.1
constexpr unsigned char kHandshakeRecord = 22, kClientHello = 1;
constexpr std::size_t kExtensionsMax = 128;
constexpr std::uint32_t kServerName = 0, kAlpn = 16, kSupportedVersions = 43;

Parsed malformed(std::string_view problem) { return {State::kMalformed, {}, problem}; }

std::size_t load(std::string_view bytes, std::size_t at, std::size_t size) {
  return Cursor(bytes.substr(at)).number(size);
}

// The handshake bytes of the records so far, up to the end of the first message.
struct Gathered {
  std::string copy;          // used only when the message is split
  std::string_view message;  // into the stream, or into `copy`
  std::string_view problem;
  bool complete = false;
};

std::string_view problem_of_record(std::string_view head) {
  if (static_cast<unsigned char>(head[0]) != kHandshakeRecord)
    return "another record inside the ClientHello";
  if (head[1] != 3) return "record version";
  const std::size_t length = load(head, 3, 2);
  if (length == 0) return "empty record";
  return length > kRecordBytesMax ? "record too long" : std::string_view{};
}

// Complete as soon as the message is; also when its length alone is known to be too much.
bool finish(Gathered& out, std::string_view bytes) {
  if (bytes.empty()) return false;
  if (static_cast<unsigned char>(bytes[0]) != kClientHello) {
    out.problem = "the first message is no ClientHello";
    return true;
  }
  if (bytes.size() < kMessageHead) return false;
  const std::size_t length = kMessageHead + load(bytes, 1, 3);
  if (length > kBytesMax) {
    out.problem = "ClientHello longer than 16 KiB";
    return true;
  }
  if (bytes.size() < length) return false;
  out.message = bytes.substr(kMessageHead, length - kMessageHead);
  out.complete = true;
  return true;
}

void gather(std::string_view stream, Gathered& out) {
  bool split = false;
  while (stream.size() >= kRecordHead) {
    out.problem = problem_of_record(stream);
    if (!out.problem.empty()) return;
    const std::string_view fragment = stream.substr(kRecordHead, load(stream, 3, 2));
    if (split) out.copy += fragment;
    if (finish(out, split ? std::string_view(out.copy) : fragment)) return;
    if (!split) out.copy = fragment;
    split = true;
    stream.remove_prefix(kRecordHead + fragment.size());
  }
}

// RFC 6066 §3: one host_name; a second entry or another type is nothing that a client of today
// sends.
std::string_view read_server_name(std::string_view body, ClientHello& hello) {
  Cursor extension(body);
  Cursor list(extension.vector(2));
  const std::uint32_t type = list.number(1);
  const std::string_view name = list.vector(2);
  if (extension.failed() || list.failed() || !extension.empty() || !list.empty() || type != 0)
    return "server_name";
  if (!is_dns_name(name)) return "server_name is no DNS name";
  hello.server_name = to_lower(name);
  return {};
}

std::string_view read_alpn(std::string_view body, ClientHello& hello) {
  Cursor extension(body);
  Cursor list(extension.vector(2));
  if (extension.failed() || !extension.empty() || list.empty()) return "ALPN";
  while (!list.empty()) {
    const std::string_view protocol = list.vector(1);
    if (protocol.empty()) return "ALPN";
    hello.alpn.emplace_back(protocol);
  }
  return {};
}

std::string_view read_versions(std::string_view body, ClientHello& hello) {
  Cursor extension(body);
  Cursor list(extension.vector(1));
  if (extension.failed() || !extension.empty() || list.empty()) return "supported_versions";
  hello.versions.clear();
  while (!list.empty()) hello.versions.push_back(static_cast<std::uint16_t>(list.number(2)));
  return list.failed() ? "supported_versions" : std::string_view{};
}

std::string_view read_extension(std::uint32_t type, std::string_view body, ClientHello& hello) {
  switch (type) {
    case kServerName: return read_server_name(body, hello);
    case kAlpn: return read_alpn(body, hello);
    case kSupportedVersions: return read_versions(body, hello);
    default: return {};
  }
}

std::string_view read_extensions(Cursor extensions, ClientHello& hello) {
  std::uint32_t seen[kExtensionsMax];
  std::size_t count = 0;
  while (!extensions.empty()) {
    const std::uint32_t type = extensions.number(2);
    const std::string_view body = extensions.vector(2);
    if (extensions.failed()) return "cut extension";
    if (count == kExtensionsMax) return "too many extensions";
    // RFC 8446 §4.2: two of a type let two readers see two names.
    if (std::find(seen, seen + count, type) != seen + count) return "extension there twice";
    seen[count++] = type;
    const std::string_view problem = read_extension(type, body, hello);
    if (!problem.empty()) return problem;
  }
  return {};
}

std::string_view read_message(std::string_view message, ClientHello& hello) {
  Cursor in(message);
  const std::uint32_t legacy_version = in.number(2);
  in.bytes(32);  // random
  const std::string_view session_id = in.vector(1);
  const std::string_view ciphers = in.vector(2);
  const std::string_view compressions = in.vector(1);
  if (in.failed() || legacy_version >> 8 != 3 || session_id.size() > 32) return "ClientHello";
  if (ciphers.empty() || ciphers.size() % 2 != 0 || compressions.empty()) return "ClientHello";
  hello.versions.push_back(static_cast<std::uint16_t>(legacy_version));
  if (in.empty()) return {};  // before TLS 1.3, extensions may be missing altogether
  const std::string_view extensions = in.vector(2);
  if (in.failed() || !in.empty()) return "length of the extensions";
  return read_extensions(Cursor(extensions), hello);
}

bool begins_tls(std::string_view stream) {
  return static_cast<unsigned char>(stream[0]) == kHandshakeRecord &&
         (stream.size() < 2 || stream[1] == 3);
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(
             label, [](char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '_'; });
}

}  // namespace

bool is_dns_name(std::string_view name) {
  if (name.empty() || name.size() > 253 || name.back() == '.' || ip::parse_ip(name)) return false;
  while (!name.empty())
    if (!is_label(take_until(name, '.'))) return false;
  return true;
}

Parsed parse(std::string_view stream) {
  if (stream.empty()) return {};
  if (!begins_tls(stream)) return {State::kNotTls, {}, "no TLS handshake record"};
  Gathered gathered;
  gather(stream.substr(0, kBytesMax), gathered);
  if (!gathered.problem.empty()) return malformed(gathered.problem);
  if (!gathered.complete)
    return stream.size() < kBytesMax ? Parsed{} : malformed("ClientHello longer than 16 KiB");
  Parsed parsed{State::kHello, {}, {}};
  const std::string_view problem = read_message(gathered.message, parsed.hello);
  return problem.empty() ? parsed : malformed(problem);
}

}  // namespace headgate::wire::tls_hello
