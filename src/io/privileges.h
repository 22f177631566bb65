#pragma once
// What a process may do, given up at start before any thread exists: these calls affect the calling
// thread and those that it starts afterwards. Order: raise_descriptor_limit, bind low ports,
// become_user or keep_capabilities.
#include <sys/types.h>

#include <optional>
#include <span>

#include "base/result.h"

namespace headgate::io {

// Keeps just these capabilities (linux/capability.h: CAP_NET_BIND_SERVICE, CAP_BPF, ...) of those
// it has, in the effective, permitted and bounding set and for programs it runs; drops all others
// for good. Sets no_new_privs.
Status keep_capabilities(std::span<const int> capabilities);

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
};
// Changes to the user with no supplementary groups, keeping these capabilities, and then as
// keep_capabilities.
Status become_user(User user, std::span<const int> capabilities);

bool has_capability(int capability);  // effective

// Soft limit of open descriptors up to the hard one; answers the limit.
Result<std::uint64_t> raise_descriptor_limit();

}  // namespace headgate::io
