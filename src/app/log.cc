#include "app/log.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "io/clock.h"

namespace headgate::app {

std::string timestamp(std::int64_t unix_ns) {
  const std::time_t seconds = unix_ns / 1'000'000'000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     unix_ns / 1'000'000 % 1000);
}

void Log::write(std::string_view level, std::string_view message) const {
  const std::string time = timestamp(io::wall_now().ns);
  std::string line;
  if (format_ == Format::kJson) {
    const nlohmann::ordered_json event = {
        {"time", time}, {"level", level}, {"process", process_}, {"message", message}};
    line = event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  } else {
    line = fmt::format("{} {} {}: {}", time, process_, level, message);
  }
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);  // unbuffered: a line is one write
}

}  // namespace headgate::app
