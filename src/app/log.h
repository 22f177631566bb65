#pragma once
// Events of a process for its operator: one line each on standard error, as text or as a JSON
// object. Any thread. Not the access log.
#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace headgate::app {

class Log {
 public:
  enum class Format { kText, kJson };
  // `process`: "supervisor" or "data-plane".
  Log(std::string_view process, Format format) : process_(process), format_(format) {}

  template <typename... Args>
  void info(fmt::format_string<Args...> text, Args&&... args) const {
    write("info", fmt::format(text, std::forward<Args>(args)...));
  }
  template <typename... Args>
  void warn(fmt::format_string<Args...> text, Args&&... args) const {
    write("warning", fmt::format(text, std::forward<Args>(args)...));
  }
  template <typename... Args>
  void error(fmt::format_string<Args...> text, Args&&... args) const {
    write("error", fmt::format(text, std::forward<Args>(args)...));
  }

 private:
  void write(std::string_view level, std::string_view message) const;

  std::string_view process_;
  Format format_;
};

// "2026-11-21T06:15:54.123Z"
std::string timestamp(std::int64_t unix_ns);

}  // namespace headgate::app
