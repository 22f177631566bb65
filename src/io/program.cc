#include "io/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "io/clock.h"

extern char** environ;  // NOLINT: POSIX's name

namespace headgate::io {

namespace {

std::vector<char*> pointers_of(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

void set_close_on_exec(int fd, bool on) { ::fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0); }

}  // namespace

std::string program_path() {
  char path[4096];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
  std::string_view name(path, length > 0 ? static_cast<std::size_t>(length) : 0);
  constexpr std::string_view kGone =
      " (deleted)";  // what the kernel says of a file that was replaced
  if (name.ends_with(kGone)) name.remove_suffix(kGone.size());
  return std::string(name);
}

std::vector<std::string> environment() {
  std::vector<std::string> all;
  for (char** one = environ; one && *one; ++one) all.emplace_back(*one);
  return all;
}

std::unexpected<Error> replace_program(const std::vector<std::string>& arguments,
                                       const std::vector<std::string>& environment,
                                       std::span<const int> kept) {
  const std::vector<char*> argv = pointers_of(arguments), envp = pointers_of(environment);
  // Blocked signals stay blocked: one that comes now waits for the new program.
  for (const int fd : kept) set_close_on_exec(fd, false);
  ::execve(arguments[0].c_str(), argv.data(), envp.data());
  const int error = errno;
  for (const int fd : kept) set_close_on_exec(fd, true);
  return fail_errno("run " + arguments[0], error);
}

Result<Fd> inherit(int number) {
  if (::fcntl(number, F_GETFD) < 0)
    return fail(Code::kNotFound, fmt::format("descriptor {} is not open", number));
  set_close_on_exec(number, true);
  return Fd(number);
}

Result<Fd> keep_in_memory(std::string_view bytes) {
  Fd memory(::memfd_create("headgate", MFD_CLOEXEC));
  if (!memory.valid()) return fail_errno("memfd_create", errno);
  if (::pwrite(memory.get(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return fail_errno("write to memory", errno);
  return memory;
}

Result<std::string> read_from_memory(const Fd& memory, std::size_t bytes_max) {
  std::string bytes(bytes_max, '\0');
  const ssize_t length = ::pread(memory.get(), bytes.data(), bytes.size(), 0);
  if (length < 0) return fail_errno("read from memory", errno);
  bytes.resize(static_cast<std::size_t>(length));
  return bytes;
}

bool wait_readable(int fd, Duration at_most) {
  const Instant deadline = monotonic_now() + at_most;
  while (true) {
    const std::int64_t left_ms = (deadline - monotonic_now()).count() / 1'000'000;
    pollfd waiting{fd, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(left_ms < 0 ? 0 : left_ms));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

}  // namespace headgate::io
