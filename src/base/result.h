#pragma once
// Errors as values. A function that can fail because of a peer, a file or an operator returns Result<T>; one that can fail
// only because of our own bug uses HG_CHECK (check.h). Absence is std::optional, not an error.
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace headgate {

// Who caused a failure: it decides the status sent, the log field and whether a peer is blamed.
enum class Source : std::uint8_t { kClient, kOrigin, kSelf };
std::string_view to_string(Source source);

// A code exists only if some caller reacts to it in its own way.
enum class Code : std::uint8_t {
  kInvalid,      // malformed or forbidden by a schema or an RFC
  kNotFound,     // named thing does not exist
  kExhausted,    // a limit was reached
  kTimeout,      // a deadline passed
  kUnavailable,  // a peer refused, reset or closed
  kDenied,       // authentication, authorisation or verification failed
  kInternal,     // the operating system refused what should work
};
std::string_view to_string(Code code);

struct Error {
  Code code = Code::kInternal;
  Source source = Source::kSelf;
  bool retry_safe = false;  // the same operation may be tried again without doing it twice
  std::string message;      // names the object, the field, what was expected
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

inline std::unexpected<Error> fail(Code code, std::string message, Source source = Source::kSelf) {
  return std::unexpected(Error{code, source, false, std::move(message)});
}

// "connect: Connection refused" from errno.
std::unexpected<Error> fail_errno(std::string_view what, int errno_value);

}  // namespace headgate
