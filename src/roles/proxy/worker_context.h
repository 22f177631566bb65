#pragma once
// What every object of one worker may use. Built by Worker, passed by reference, outlives all of them.
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.h"
#include "io/loop.h"
#include "roles/proxy/stats.h"

namespace headgate::proxy {

class AccessLog;
class ClientAddresses;
class EncoderStore;
class ExchangeStore;
class MirrorStore;
class Upstreams;
struct WorkerCache;

// How long an idle client connection stays when its worker drains: each takes a moment of its own between the two, so that
// clients do not all come back at once.
struct DrainPace {
  Duration idle_min = 500ms, idle_max = 1s;
};

struct WorkerContext {
  io::Loop& loop;
  WorkerStats& stats;
  Prng& prng;
  // Bytes just read. Valid until the next read of this worker; reads start from readiness or deferred work alone,
  // never from inside another reader's callback.
  std::vector<char>& scratch;
  AccessLog& access_log;
  ExchangeStore& exchanges;
  MirrorStore& mirrors;
  EncoderStore& encoders;
  ClientAddresses& client_addresses;  // of the process
  WorkerCache& cache;
  std::uint32_t workers = 1;
  bool draining = false;   // no keep-alive any more: every response says so
  DrainPace drain_pace = {};
  std::string spare_output = {};  // of the sessions: an idle one holds no memory for output (Outbox::borrow)
};

}  // namespace headgate::proxy
