#include "io/process_info.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>

#include "base/ascii.h"
#include "io/clock.h"
#include "io/file.h"

namespace headgate::io {

namespace {

constexpr std::size_t kProcBytesMax = 65536;

std::uint64_t count_descriptors() {
  DIR* directory = ::opendir("/proc/self/fd");
  if (!directory) return 0;
  std::uint64_t count = 0;
  while (const dirent* entry = ::readdir(directory)) count += entry->d_name[0] != '.';
  ::closedir(directory);
  return count > 0 ? count - 1 : 0;  // without the one that reads
}

// Fields of /proc/self/stat behind the name in parentheses; the first is the state, number 3 in
// proc(5).
std::uint64_t stat_field(std::string_view stat, int number) {
  const std::size_t end_of_name = stat.rfind(')');
  if (end_of_name == std::string_view::npos || end_of_name + 2 > stat.size()) return 0;
  std::string_view rest = stat.substr(end_of_name + 2);
  for (int at = 3; at < number; ++at) take_until(rest, ' ');
  return parse_decimal(take_until(rest, ' ')).value_or(0);
}

// Seconds between the start of the machine and of the process, as wall time.
double start_time(std::uint64_t start_ticks, double ticks_per_second) {
  const auto uptime = read_file("/proc/uptime", kProcBytesMax);
  if (!uptime) return 0;
  std::string_view text = *uptime;
  const std::string_view whole = take_until(text, '.');
  const double up = static_cast<double>(parse_decimal(whole).value_or(0)) +
                    static_cast<double>(parse_decimal(take_until(text, ' ')).value_or(0)) / 100;
  return static_cast<double>(wall_now().ns) / 1e9 - up +
         static_cast<double>(start_ticks) / ticks_per_second;
}

}  // namespace

ProcessInfo process_info() {
  ProcessInfo info;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    info.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) info.descriptors_max = limit.rlim_cur;
  info.open_descriptors = count_descriptors();
  if (const auto stat = read_file("/proc/self/stat", kProcBytesMax)) {
    info.threads = stat_field(*stat, 20);
    info.virtual_bytes = stat_field(*stat, 23);
    info.resident_bytes =
        stat_field(*stat, 24) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    info.start_unix_seconds =
        start_time(stat_field(*stat, 22), static_cast<double>(::sysconf(_SC_CLK_TCK)));
  }
  return info;
}

}  // namespace headgate::io
