#include "wire/http1/writer.h"

#include <array>

#include "base/append.h"
#include "base/ascii.h"

namespace headgate::wire::http1 {

namespace {

struct Phrase {
  std::size_t status;
  std::string_view text;
};

constexpr Phrase kPhrases[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {208, "Already Reported"},
    {226, "IM Used"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {506, "Variant Also Negotiates"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
    {510, "Not Extended"},
    {511, "Network Authentication Required"},
};

constexpr std::size_t kStatusMax = 599;

constexpr auto kPhraseByStatus = [] {
  std::array<std::string_view, kStatusMax + 1> table{};
  for (const Phrase& phrase : kPhrases) table[phrase.status] = phrase.text;
  return table;
}();

}  // namespace

namespace {

char* put_field(char* at, std::string_view name, std::string_view value) {
  return put(put(put(put(at, name), ": "), value), kCrlf);
}

}  // namespace

void append_request_line(std::string& out, std::string_view method, std::string_view target) {
  constexpr std::string_view kEnd = " HTTP/1.1\r\n";
  append_with(out, method.size() + 1 + target.size() + kEnd.size(),
              [&](char* at) { put(put(put(put(at, method), " "), target), kEnd); });
}

void append_status_line(std::string& out, int status, std::string_view reason) {
  constexpr std::string_view kBegin = "HTTP/1.1 ";
  if (reason.empty()) reason = reason_phrase(status);
  const char digits[] = {static_cast<char>('0' + status / 100 % 10), static_cast<char>('0' + status / 10 % 10),
                         static_cast<char>('0' + status % 10), ' '};
  append_with(out, kBegin.size() + sizeof digits + reason.size() + kCrlf.size(), [&](char* at) {
    put(put(put(put(at, kBegin), {digits, sizeof digits}), reason), kCrlf);
  });
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  append_with(out, name.size() + value.size() + 4, [&](char* at) { put_field(at, name, value); });
}

void append_fields(std::string& out, const http::Fields& fields) {
  std::size_t bytes = 0;
  for (const http::Field& field : fields) bytes += field.name.size() + field.value.size() + 4;
  append_with(out, bytes, [&](char* at) {
    for (const http::Field& field : fields) at = put_field(at, field.name, field.value);
  });
}

void append_content_length(std::string& out, std::uint64_t bytes) {
  constexpr std::string_view kName = "content-length: ";
  const std::size_t digits = decimal_digits(bytes);
  append_with(out, kName.size() + digits + kCrlf.size(),
              [&](char* at) { put(put_decimal(put(at, kName), bytes, digits), kCrlf); });
}

void append_chunk_head(std::string& out, std::size_t bytes) {
  append_hex(out, bytes);
  out.append(kCrlf);
}

std::string_view reason_phrase(int status) {
  const auto index = static_cast<std::size_t>(status);
  return status >= 0 && index <= kStatusMax ? kPhraseByStatus[index] : std::string_view();
}

}  // namespace headgate::wire::http1
