#include "app/data_plane.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>

#include "app/last_good.h"
#include "app/local_certificates.h"
#include "app/plane_message.h"
#include "io/clock.h"
#include "io/cpu_count.h"
#include "io/privileges.h"
#include "io/program.h"
#include "io/seccomp.h"

namespace headgate::app {

DataPlane::DataPlane(UpOptions options, PlaneOptions plane, Log log)
    : options_(std::move(options)), plane_(plane), log_(log), pages_(state_, proxy_) {
  state_.restarts = plane_.restarts;
  cache_pages_.add_to(pages_.site());
}

DataPlane::~DataPlane() = default;

int DataPlane::run() {
  confine();
  if (const Status connected = connect_supervisor(); !connected) {
    log_.error("{}; `headgate up` starts this process", connected.error().message);
    return kExitFailure;
  }
  if (const int failed = start(); failed != 0) return failed;
  loop_.run();
  return 0;
}

// Before any thread exists. The supervisor opens what needs a privilege.
void DataPlane::confine() {
  if (const auto limit = io::raise_descriptor_limit(); !limit)
    log_.warn("{}", limit.error().message);
  if (const Status kept = io::keep_capabilities({}); !kept)
    log_.warn("capabilities are kept: {}", kept.error().message);
  if (const Status refused = io::refuse_system_calls(); !refused)
    log_.warn("system calls that are not needed stay possible: {}", refused.error().message);
}

Status DataPlane::connect_supervisor() {
  // A terminal sends SIGINT and SIGHUP to this process too; what they mean comes as an order.
  auto signals = io::Signals::make(loop_, {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}, [this](int number) {
    if (number == SIGTERM) drain(false);
  });
  if (!signals) return std::unexpected(signals.error());
  signals_ = std::move(*signals);
  auto channel = io::inherit(kChannelFd);
  if (!channel) return fail(Code::kNotFound, "there is no channel to a supervisor");
  link_ = std::make_unique<SupervisorLink>(loop_, std::move(*channel),
                                           [this](Order order) { on_order(order); });
  return {};
}

std::uint32_t DataPlane::worker_count() const {
  return options_.workers != 0 ? options_.workers : static_cast<std::uint32_t>(io::cpu_count());
}

int DataPlane::start() {
  Configuration configuration = read_configuration(options_, ++revision_, io::wall_now(), *load_cache_);
  report(configuration);
  const bool valid = configuration.snapshot != nullptr;
  if (!valid && plane_.start != Start::kRestart) {
    log_.error("the configuration has {} errors: nothing is served",
               configuration.problems.errors());
    return kExitInvalidConfiguration;
  }
  proxy::ProxyOptions how;
  how.workers = worker_count();
  how.access_log = options_.access_log;
  how.pin_workers = options_.pin_workers;
  how.drain_max = options_.drain_timeout;
  how.dns_servers = options_.dns_servers;
  how.locality = options_.locality;
  how.cache = {options_.cache_memory_bytes, options_.state, options_.cache_disk_bytes};
  if (auto secret = link_->ticket_secret())
    how.ticket_secret = std::move(*secret);
  else
    log_.warn("sessions of TLS clients end with this process: {}", secret.error().message);
  proxy_ = std::make_unique<proxy::Proxy>(loop_, *link_, std::move(how));
  if (const Status started = proxy_->start(); !started) {
    log_.error("{}", started.error().message);
    return kExitFailure;
  }
  const bool serves = (valid && start_with(std::move(configuration))) ||
                      (plane_.start == Start::kRestart && start_with_last_good());
  if (!serves) return valid ? kExitFailure : kExitInvalidConfiguration;
  background_ = std::make_unique<Background>(loop_);
  for (const auto& step : {&DataPlane::open_operator_ports, &DataPlane::watch_files}) {
    const Status done = (this->*step)();
    if (done) continue;
    log_.error("{}", done.error().message);
    return kExitFailure;
  }
  check_settled();
  return 0;
}

bool DataPlane::start_with(Configuration configuration) {
  const Status applied = proxy_->apply(configuration.snapshot);
  if (!applied) log_.error("the configuration cannot be served: {}", applied.error().message);
  if (applied) adopt(std::move(configuration));
  return applied.has_value();
}

bool DataPlane::start_with_last_good() {
  Configuration last_good = read_last_good_configuration(options_, ++revision_, io::wall_now());
  if (!last_good.snapshot) {
    report(last_good);
    return false;
  }
  log_.error("THE CONFIGURATION FILES ARE INVALID: the last good configuration is served, from {}",
             last_good_file(options_.state));
  if (!start_with(std::move(last_good))) return false;
  state_.last_known_good = true;
  state_.last_reload_successful = false;
  return true;
}

void DataPlane::report(const Configuration& configuration) const {
  for (const config::Problem& problem : configuration.problems.all()) {
    if (problem.severity == config::Severity::kError)
      log_.error("{}", config::to_string(problem));
    else
      log_.warn("{}", config::to_string(problem));
  }
  if (configuration.problems.dropped() > 0)
    log_.error("and {} more problems", configuration.problems.dropped());
}

Status DataPlane::open_operator_ports() {
  const auto open = [&](const std::optional<wire::ip::Endpoint>& at, std::string_view what,
                        io::Fd& socket) -> Status {
    if (!at) return {};
    if (!wire::ip::is_loopback(at->address))
      log_.warn("{} listens on {}, which others can reach", what, wire::ip::to_string(*at));
    auto opened = link_->open(wire::ip::to_string(at->address), at->port);
    if (!opened)
      return fail(opened.error().code, fmt::format("{}: {}", what, opened.error().message));
    socket = std::move(*opened);
    return {};
  };
  if (Status opened = open(options_.admin, "the admin port", admin_socket_); !opened) return opened;
  if (!options_.api) return {};
  if (Status opened = open(options_.api, "the API", api_socket_); !opened) return opened;
  auto api = Api::make(options_, current_, loop_.wall());
  if (!api) return std::unexpected(api.error());
  api_ = std::move(*api);
  return {};
}

Status DataPlane::watch_files() {
  if (!options_.watch) return {};
  for (const std::string& file : options_.files) {
    auto watch = io::Watch::make(loop_, file, kWatchQuiet, [this] { reload(); });
    if (!watch) return std::unexpected(watch.error());
    watches_.push_back(std::move(*watch));
  }
  return {};
}

// Not before this process serves: during a hot restart another one answers on the same sockets
// until then.
void DataPlane::serve_operators() {
  if (admin_socket_.valid())
    admin_server_ =
        std::make_unique<observe::HttpServer>(loop_, std::move(admin_socket_), pages_.site());
  if (api_socket_.valid())
    api_server_ = std::make_unique<observe::HttpServer>(loop_, std::move(api_socket_), api_->site(),
                                                        api_->tls());
}

}  // namespace headgate::app
