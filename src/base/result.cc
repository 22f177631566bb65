#include "base/result.h"

#include <cerrno>
#include <cstring>

namespace headgate {

std::string_view to_string(Source source) {
  switch (source) {
    case Source::kClient: return "client";
    case Source::kOrigin: return "origin";
    case Source::kSelf: return "self";
  }
  return "self";
}

std::string_view to_string(Code code) {
  switch (code) {
    case Code::kInvalid: return "invalid";
    case Code::kNotFound: return "not_found";
    case Code::kExhausted: return "exhausted";
    case Code::kTimeout: return "timeout";
    case Code::kUnavailable: return "unavailable";
    case Code::kDenied: return "denied";
    case Code::kInternal: return "internal";
  }
  return "internal";
}

namespace {
Code code_of(int errno_value) {
  switch (errno_value) {
    case ENOENT: return Code::kNotFound;
    case EACCES:
    case EPERM: return Code::kDenied;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOSPC: return Code::kExhausted;
    case ETIMEDOUT: return Code::kTimeout;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case EHOSTUNREACH:
    case ENETUNREACH: return Code::kUnavailable;
    default: return Code::kInternal;
  }
}
}  // namespace

std::unexpected<Error> fail_errno(std::string_view what, int errno_value) {
  char buffer[128];
  std::string message(what);
  message += ": ";
  message += strerror_r(errno_value, buffer, sizeof buffer);
  return fail(code_of(errno_value), std::move(message));
}

}  // namespace headgate
