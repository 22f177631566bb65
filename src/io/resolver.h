#pragma once
// Names to addresses on a loop (c-ares): A and AAAA together, /etc/hosts and localhost included,
// without blocking. Belongs to the loop's thread; callbacks run there, always after resolve() has
// returned. Destroying the resolver drops every pending callback. Caches nothing: the TTL is for
// the caller, who also decides what to keep on failure. Reads the system's configuration once, when
// made. Limit: lookups_max at a time, then Code::kExhausted.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/callback.h"
#include "io/loop.h"
#include "wire/ip/address.h"

namespace headgate::io {

struct Answer {
  std::vector<wire::ip::IpAddress> addresses;  // IPv4 first, no duplicates
  Duration ttl{};  // least of all records; zero when they came from a file
  // The question for one family may fail (never both: that is an error) while the other one is
  // answered, perhaps with nothing. What was known of the failed one is still the best.
  bool ipv4_failed = false, ipv6_failed = false;
  std::string problem;  // of the failed one
};

struct ResolverOptions {
  std::string servers;         // "127.0.0.1:5353,[::1]:53"; empty: those of the system
  bool search_domains = true;  // try the system's search list for names with few dots
  Duration try_timeout = 2s;   // doubles with each round
  int tries = 3;               // rounds over all servers
  std::size_t lookups_max = 1024;
};

class Resolver {
 public:
  // kNotFound: the name does not exist or has no address. kUnavailable: a server failed or refused.
  // kTimeout: none answered. kInvalid: not a name. The first is an answer of both families; after
  // the others the last good one is still the best known.
  using Done = Callback<Result<Answer>>;
  using LookupId = std::uint64_t;

  static Result<std::unique_ptr<Resolver>> make(Loop& loop, ResolverOptions options = {});
  ~Resolver();
  LookupId resolve(const std::string& name, Done done);
  void cancel(LookupId id);  // its callback does not run any more

 private:
  struct State;
  explicit Resolver(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace headgate::io
