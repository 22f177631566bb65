#include "io/privileges.h"

#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

namespace headgate::io {

namespace {

// The 64-bit sets, as version 3 of the interface splits them.
struct Sets {
  std::uint64_t effective = 0, permitted = 0, inheritable = 0;
};

Result<Sets> read_sets() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data{};
  if (::syscall(SYS_capget, &header, data.data()) != 0) return fail_errno("capget", errno);
  const auto join = [&](auto member) {
    return std::uint64_t{data[0].*member} | std::uint64_t{data[1].*member} << 32;
  };
  return Sets{join(&__user_cap_data_struct::effective), join(&__user_cap_data_struct::permitted),
              join(&__user_cap_data_struct::inheritable)};
}

Status write_sets(const Sets& sets) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data{};
  for (unsigned half = 0; half < 2; ++half) {
    data[half].effective = static_cast<std::uint32_t>(sets.effective >> (32 * half));
    data[half].permitted = static_cast<std::uint32_t>(sets.permitted >> (32 * half));
    data[half].inheritable = static_cast<std::uint32_t>(sets.inheritable >> (32 * half));
  }
  if (::syscall(SYS_capset, &header, data.data()) != 0) return fail_errno("capset", errno);
  return {};
}

Result<std::uint64_t> mask_of(std::span<const int> capabilities) {
  std::uint64_t mask = 0;
  for (const int capability : capabilities) {
    if (capability < 0 || capability > 63)
      return fail(Code::kInvalid, fmt::format("capability {}", capability));
    mask |= std::uint64_t{1} << capability;
  }
  return mask;
}

// Needs CAP_SETPCAP; without it the set cannot be made smaller, and no_new_privs alone stops
// programs from gaining.
void shrink_bounding_set(std::uint64_t mask) {
  for (int capability = 0; capability < 64; ++capability) {
    if (mask >> capability & 1) continue;
    if (::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1)
      ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
}

// Ambient, so that a program we start (a new version of ourselves) has them too under a user other
// than root.
Status set_ambient(std::uint64_t mask) {
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
    return fail_errno("clear ambient set", errno);
  for (int capability = 0; capability < 64; ++capability) {
    if (!(mask >> capability & 1)) continue;
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0) {
      return fail_errno(fmt::format("raise ambient capability {}", capability), errno);
    }
  }
  return {};
}

}  // namespace

Status keep_capabilities(std::span<const int> capabilities) {
  const auto mask = mask_of(capabilities);
  if (!mask) return std::unexpected(mask.error());
  const auto had = read_sets();
  if (!had) return std::unexpected(had.error());
  const std::uint64_t kept = *mask & had->permitted;
  shrink_bounding_set(kept);
  if (auto written = write_sets({kept, kept, kept}); !written) return written;
  if (auto set = set_ambient(kept); !set) return set;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("set no_new_privs", errno);
  return {};
}

Status become_user(User user, std::span<const int> capabilities) {
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return fail_errno("keep capabilities", errno);
  if (::setgroups(0, nullptr) != 0) return fail_errno("drop supplementary groups", errno);
  if (::setresgid(user.gid, user.gid, user.gid) != 0)
    return fail_errno(fmt::format("become group {}", user.gid), errno);
  if (::setresuid(user.uid, user.uid, user.uid) != 0)
    return fail_errno(fmt::format("become user {}", user.uid), errno);
  // The change of user emptied the effective set; keep_capabilities raises what is kept from the
  // permitted one, but shrinking the bounding set before that wants CAP_SETPCAP back.
  auto sets = read_sets();
  if (!sets) return std::unexpected(sets.error());
  sets->effective = sets->permitted;
  if (auto written = write_sets(*sets); !written) return written;
  return keep_capabilities(capabilities);
}

bool has_capability(int capability) {
  const auto sets = read_sets();
  return sets && capability >= 0 && capability < 64 && (sets->effective >> capability & 1) != 0;
}

Result<std::uint64_t> raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return fail_errno("getrlimit", errno);
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return fail_errno("setrlimit", errno);
  return std::uint64_t{limit.rlim_cur};
}

}  // namespace headgate::io
