#pragma once
// The process that serves traffic: wires the proxy, the configuration, the operators' ports and the
// channel to the supervisor together. Its control thread runs one loop; workers are the proxy's,
// reading a configuration is Background's.
//
// Life: read the configuration, apply it, settle, say ready; then reload on order or when files
// change; then drain.
#include <memory>
#include <optional>
#include <string>

#include "app/api.h"
#include "app/background.h"
#include "app/cache_pages.h"
#include "app/configuration.h"
#include "app/log.h"
#include "app/operator_pages.h"
#include "app/options.h"
#include "app/supervisor_link.h"
#include "io/loop.h"
#include "io/signals.h"
#include "io/watch.h"
#include "roles/observe/http_server.h"
#include "roles/proxy/proxy.h"

namespace headgate::app {

class DataPlane {
 public:
  static constexpr Duration kSettlePoll = 4ms;
  static constexpr Duration kCacheWatch = 1s;
  static constexpr Duration kBake = 1s;           // from settled to last known good
  static constexpr Duration kWatchQuiet = 100ms;  // an editor or a deployment has finished by then
  static constexpr Duration kDrainGuard = 2s;     // beyond the proxy's own limit

  DataPlane(UpOptions options, PlaneOptions plane, Log log);
  ~DataPlane();

  // Until told to stop; the exit code of the process.
  int run();

 private:
  void confine();
  Status connect_supervisor();
  int start();
  bool start_with(Configuration configuration);
  bool start_with_last_good();
  Status open_operator_ports();
  Status watch_files();
  void serve_operators();
  void report(const Configuration& configuration) const;

  void on_order(Order order);
  void reload();
  void on_read(Configuration configuration);
  void adopt(Configuration configuration);
  void check_settled();
  void keep_as_last_good();
  void watch_cache();
  void drain(bool replaced);
  void stop();
  std::uint32_t worker_count() const;

  UpOptions options_;
  PlaneOptions plane_;
  Log log_;
  io::Loop loop_;
  std::unique_ptr<io::Signals> signals_;
  std::unique_ptr<SupervisorLink> link_;
  std::unique_ptr<Background> background_;
  std::unique_ptr<proxy::Proxy> proxy_;
  Configuration current_;
  PlaneState state_;
  OperatorPages pages_;
  CachePages cache_pages_{loop_, proxy_, current_};
  std::unique_ptr<Api> api_;
  io::Fd admin_socket_, api_socket_;
  std::unique_ptr<observe::HttpServer> admin_server_, api_server_;
  std::vector<std::unique_ptr<io::Watch>> watches_;
  std::uint64_t revision_ = 0;  // of the last reading
  bool reading_ = false, read_again_ = false;
  // Of the one reading that runs; between readings nobody touches it.
  std::shared_ptr<config::LoadCache> load_cache_ = std::make_shared<config::LoadCache>();
  io::MemberTimer<&DataPlane::check_settled> settle_timer_{this};
  io::MemberTimer<&DataPlane::keep_as_last_good> bake_timer_{this};
  io::MemberTimer<&DataPlane::stop> drain_timer_{this};
  io::MemberTimer<&DataPlane::watch_cache> cache_timer_{this};
  bool purges_are_written_ = true;
};

}  // namespace headgate::app
