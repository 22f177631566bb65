#include "io/seccomp.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace headgate::io {

namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
constexpr std::uint32_t kNumbersEnd = 0x40000000;  // the x32 calls would pass under other numbers
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
constexpr std::uint32_t kNumbersEnd = 0x80000000;
#else
#error "this architecture has no list of system calls yet"
#endif

constexpr long kRefused[] = {
    // Programs and other processes.
    SYS_execve, SYS_execveat, SYS_process_vm_readv, SYS_process_vm_writev, SYS_pidfd_getfd,
    SYS_kcmp, SYS_personality,
#if !defined(__SANITIZE_ADDRESS__)  // its search for leaks at the end stops the threads with it
    SYS_ptrace,
#endif
    // What the file system and the machine look like.
    SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_open_tree, SYS_move_mount, SYS_fsopen,
    SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_mount_setattr, SYS_open_by_handle_at, SYS_swapon,
    SYS_swapoff, SYS_quotactl, SYS_acct, SYS_unshare, SYS_setns, SYS_sethostname,
    SYS_setdomainname, SYS_settimeofday, SYS_clock_settime, SYS_clock_adjtime, SYS_adjtimex,
    SYS_reboot, SYS_vhangup,
    // The kernel itself.
    SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_bpf,
    SYS_perf_event_open, SYS_userfaultfd, SYS_add_key, SYS_request_key, SYS_keyctl, SYS_syslog,
    SYS_kexec_file_load,
#if defined(__x86_64__)
    SYS_iopl, SYS_ioperm, SYS_modify_ldt,
#endif
};

constexpr std::uint32_t kAnswerEperm = SECCOMP_RET_ERRNO | EPERM;

// Load the architecture, then the number; each comparison that matches falls into a return.
std::vector<sock_filter> filter_of(std::span<const long> refused) {
  std::vector<sock_filter> filter;
  const auto add = [&](unsigned code, std::uint32_t value, unsigned if_true = 0,
                       unsigned if_false = 0) {
    filter.push_back({static_cast<std::uint16_t>(code), static_cast<std::uint8_t>(if_true),
                      static_cast<std::uint8_t>(if_false), value});
  };
  add(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch));
  add(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0);
  add(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
  add(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
  add(BPF_JMP | BPF_JGE | BPF_K, kNumbersEnd, 0, 1);
  add(BPF_RET | BPF_K, kAnswerEperm);
  for (const long number : refused) {
    add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1);
    add(BPF_RET | BPF_K, kAnswerEperm);
  }
  add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  return filter;
}

}  // namespace

Status refuse_system_calls() {
  std::vector<sock_filter> filter = filter_of(kRefused);
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
    return fail_errno("seccomp", errno);
  return {};
}

std::span<const long> refused_system_calls() { return kRefused; }

}  // namespace headgate::io
