#include "io/cpu_count.h"

#include <sched.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/ascii.h"
#include "io/file.h"

namespace headgate::io {

namespace {

constexpr std::size_t kFileBytesMax = 65536;
constexpr int kPercentMax = 100 * 65536;

std::string first_line(const std::string& path) {
  const auto text = read_file(path, kFileBytesMax);
  return text ? text->substr(0, text->find('\n')) : std::string();
}

std::optional<int> percent_of(std::string_view quota, std::string_view period) {
  const auto q = parse_decimal(quota),
             p = parse_decimal(period);  // "max" and "-1" are no numbers: no limit
  if (!q || !p || *p == 0 || *q > UINT64_MAX / 100) return std::nullopt;
  return static_cast<int>(std::clamp<std::uint64_t>((*q * 100 + *p - 1) / *p, 1, kPercentMax));
}

std::optional<int> quota_v2(const std::string& group) {
  const std::string line = first_line(group + "/cpu.max");
  std::string_view rest = line;
  const std::string_view quota = take_until(rest, ' ');
  return percent_of(quota, rest);
}

std::optional<int> quota_v1(const std::string& group) {
  return percent_of(first_line(group + "/cpu.cfs_quota_us"),
                    first_line(group + "/cpu.cfs_period_us"));
}

bool names_cpu(std::string_view controllers) {
  while (!controllers.empty()) {
    if (take_until(controllers, ',') == "cpu") return true;
  }
  return false;
}

// The least quota from the group up to the mount. Inside of a container the path that the kernel
// shows may not exist below the mount, which then is our own group.
int least_quota(const std::string& mount, std::string group,
                std::optional<int> (*quota)(const std::string&)) {
  int least = 0;
  while (true) {
    if (const auto found = quota(mount + group))
      least = least == 0 ? *found : std::min(least, *found);
    const std::size_t slash = group.rfind('/');
    if (slash == std::string::npos) return least;
    group.resize(slash);
  }
}

int affinity_count() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return kPercentMax / 100;
  return CPU_COUNT(&set);
}

}  // namespace

int cpu_quota_percent(const CgroupPlace& place) {
  const auto text = read_file(place.self, kFileBytesMax);
  std::string_view lines = text ? std::string_view(*text) : std::string_view();
  int least = 0;
  while (!lines.empty()) {  // "0::/path" is version 2; "4:cpu,cpuacct:/path" is version 1
    std::string_view line = take_until(lines, '\n');
    const std::string_view id = take_until(line, ':');
    const std::string_view controllers = take_until(line, ':');
    const std::string group = line == "/" ? std::string() : std::string(line);
    int quota = 0;
    if (id == "0" && controllers.empty()) quota = least_quota(place.mount, group, quota_v2);
    if (names_cpu(controllers)) quota = least_quota(place.mount + "/cpu", group, quota_v1);
    if (quota > 0) least = least == 0 ? quota : std::min(least, quota);
  }
  return least;
}

int cpu_count(const CgroupPlace& place) {
  const int quota = cpu_quota_percent(place);
  const int by_affinity = affinity_count();
  return std::max(1, quota > 0 ? std::min(by_affinity, (quota + 99) / 100) : by_affinity);
}

}  // namespace headgate::io
