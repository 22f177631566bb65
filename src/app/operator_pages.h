#pragma once
// What the admin port shows: health, readiness, metrics, status. Reads the proxy's counters and the
// state that the data plane keeps here. Control thread; the data plane owns it.
#include <cstdint>
#include <memory>
#include <string>

#include "base/metrics_text.h"
#include "base/time.h"
#include "roles/observe/site.h"
#include "roles/proxy/proxy.h"

namespace headgate::app {

struct PlaneState {
  bool ready = false, draining = false;
  std::uint32_t restarts = 0;
  std::uint64_t revision = 0;  // of the configuration that is served
  std::size_t resources = 0;
  bool last_reload_successful = true;
  std::size_t last_reload_errors = 0, last_reload_warnings = 0;
  std::uint64_t reloads_successful = 0, reloads_refused = 0;
  WallTime last_reload_success;
  bool last_known_good = false;  // the files are invalid; what served before is served
  std::string problems;          // of the last reading, one a line
};

class OperatorPages {
 public:
  OperatorPages(const PlaneState& state, const std::unique_ptr<proxy::Proxy>& proxy);
  observe::Site& site() { return site_; }

  observe::Answer healthy(const observe::Request& request);
  observe::Answer ready(const observe::Request& request);
  observe::Answer metrics(const observe::Request& request);
  observe::Answer status(const observe::Request& request);

 private:
  void add_process(MetricsText& out) const;
  void add_configuration(MetricsText& out) const;

  const PlaneState& state_;
  const std::unique_ptr<proxy::Proxy>& proxy_;
  observe::Site site_;
};

}  // namespace headgate::app
