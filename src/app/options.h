#pragma once
// What the command line says, as values. Parsed once (command_line.h), immutable afterwards.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/log.h"
#include "base/time.h"
#include "wire/ip/address.h"

namespace headgate::app {

struct UpOptions {
  std::vector<std::string> files;
  std::string state;
  std::uint32_t workers = 0;  // 0: one for each CPU that the process may use
  bool pin_workers = false;
  std::string address;  // replaces every address of listeners; empty: as written
  std::string locality;
  std::optional<wire::ip::Endpoint> admin, api;
  bool watch = false;
  std::string access_log = "-";
  Duration drain_timeout = 30s;
  std::vector<std::string> dns_servers;
  std::uint64_t cache_memory_bytes = std::uint64_t{256} << 20;
  std::uint64_t cache_disk_bytes = 0;  // 0: no disk
  Log::Format log_format = Log::Format::kText;
};

// Why a data-plane process was started: it decides what an invalid configuration means.
enum class Start : std::uint8_t {
  kFirst,    // it ends the program: nothing was served yet
  kRestart,  // the last good one is served instead
  kReplace,  // this process ends, and the one that it should replace goes on
};

struct PlaneOptions {
  Start start = Start::kFirst;
  std::uint32_t restarts = 0;  // of data planes since the supervisor's start, for metrics
};

struct CheckOptions {
  std::vector<std::string> files;
  bool json = false;
};

struct DocsOptions {
  std::string kind;  // empty: all of them
};

struct PurgeOptions {
  std::string json;  // the order; checked where it is sent
  bool as_json = false;
  wire::ip::Endpoint admin;
};

struct ExplainOptions {
  std::string target;  // of the page: "/cache/explain?url=..."
  bool as_json = false;
  wire::ip::Endpoint admin;
};

struct SignUrlOptions {
  std::string url, key_id, key_file;
  std::string prefix, address;  // empty: for the one path; for every client
  std::string parameter_prefix = "hg-";
  Duration expires_in = 1h;
};

inline constexpr int kExitFailure = 1, kExitUsage = 2, kExitNotDurable = 3,
                     kExitInvalidConfiguration = 4;
inline constexpr const char* kVersion = "0.1.0";

}  // namespace headgate::app
