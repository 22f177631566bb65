#include "net/response.h"

#include <strings.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace headgate::bench {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";

// The value of a field, without spaces before it; the head is small and comes from a server under
// test.
std::optional<std::string_view> field(std::string_view head, std::string_view name) {
  std::size_t line = head.find("\r\n");
  while (line != std::string_view::npos && line + 2 + name.size() < head.size()) {
    const std::string_view rest = head.substr(line + 2);
    if (::strncasecmp(rest.data(), name.data(), name.size()) == 0 && rest[name.size()] == ':') {
      std::string_view value = rest.substr(name.size() + 1, rest.find("\r\n") - name.size() - 1);
      value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
      return value;
    }
    line = head.find("\r\n", line + 2);
  }
  return std::nullopt;
}

template <typename Number>
bool parse(std::string_view text, Number& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc{} && end != text.data();
}

}  // namespace

void ResponseReader::reset() {
  state_ = State::kHead;
  head_.clear();
}

ResponseReader::State ResponseReader::feed(std::string_view bytes) {
  if (state_ == State::kBody) return take_body(bytes.size());
  if (state_ != State::kHead) return state_ = State::kMalformed;
  const std::size_t had = head_.size();
  head_.append(bytes.substr(0, kHeadBytesMax));
  const std::size_t end = head_.find(kHeadEnd, had < 3 ? 0 : had - 3);
  if (end == std::string::npos) {
    return state_ = head_.size() >= kHeadBytesMax ? State::kMalformed : State::kHead;
  }
  head_.resize(end + 2);
  if (take_head() == State::kMalformed) return state_;
  return take_body(had + bytes.size() - end - kHeadEnd.size());
}

ResponseReader::State ResponseReader::take_head() {
  const std::string_view head = head_;
  const auto length = field(head, "content-length");
  if (!head.starts_with("HTTP/1.1 ") || !parse(head.substr(9, 3), status_) || !length ||
      !parse(*length, body_bytes_left_)) {
    return state_ = State::kMalformed;
  }
  const auto connection = field(head, "connection");
  closes_ = connection && ::strncasecmp(connection->data(), "close", 5) == 0;
  return state_ = State::kBody;
}

ResponseReader::State ResponseReader::take_body(std::size_t bytes) {
  if (bytes > body_bytes_left_) return state_ = State::kMalformed;
  body_bytes_left_ -= bytes;
  return state_ = body_bytes_left_ == 0 ? State::kComplete : State::kBody;
}

}  // namespace headgate::bench
