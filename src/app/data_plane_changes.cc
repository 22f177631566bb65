// What happens to a data plane that serves: a new configuration, a drain, the end.
#include "app/data_plane.h"
#include "app/last_good.h"
#include "app/local_certificates.h"
#include "io/clock.h"

namespace headgate::app {

void DataPlane::on_order(Order order) {
  switch (order) {
    case Order::kReload: return reload();
    case Order::kReopenLog:
      if (proxy_) proxy_->reopen_log();
      return;
    case Order::kDrain: return drain(false);
    case Order::kRetire: return drain(true);
    case Order::kHurry: return stop();
  }
}

void DataPlane::reload() {
  if (state_.draining || !background_) return;
  read_again_ = reading_;  // a change during a reading may have been missed by it
  if (reading_) return;
  reading_ = true;
  background_->run(
      [options = options_, revision = ++revision_, cache = load_cache_] {
        return read_configuration(options, revision, io::wall_now(), *cache);
      },
      [this](Configuration configuration) { on_read(std::move(configuration)); });
}

void DataPlane::on_read(Configuration configuration) {
  reading_ = false;
  if (state_.draining) return;
  report(configuration);
  state_.problems.clear();
  for (const config::Problem& problem : configuration.problems.all())
    state_.problems += config::to_string(problem) + "\n";
  state_.last_reload_errors = configuration.problems.errors();
  state_.last_reload_warnings = configuration.problems.warnings();
  Status taken =
      configuration.snapshot
          ? proxy_->apply(configuration.snapshot)
          : fail(Code::kInvalid, fmt::format("it has {} errors", configuration.problems.errors()));
  state_.last_reload_successful = taken.has_value();
  if (taken) {
    ++state_.reloads_successful;
    state_.last_known_good = false;
    adopt(std::move(configuration));
    loop_.arm(settle_timer_, kSettlePoll);
    log_.info("configuration {} is served: {} resources", state_.revision, state_.resources);
  } else {
    ++state_.reloads_refused;
    if (configuration.snapshot)
      state_.last_reload_errors += 1, state_.problems += taken.error().message + "\n";
    log_.error("configuration refused: {}; revision {} goes on", taken.error().message,
               state_.revision);
  }
  if (read_again_) reload();
}

void DataPlane::adopt(Configuration configuration) {
  current_ = std::move(configuration);
  state_.revision = current_.revision;
  state_.resources = current_.objects.size();
  state_.last_reload_success = io::wall_now();
}

// Told when it begins and when it ends, however often it happens between.
void DataPlane::watch_cache() {
  if (state_.draining) return;
  loop_.arm(cache_timer_, kCacheWatch);
  const std::string trouble = proxy_->cache().purges().trouble();
  if (std::exchange(purges_are_written_, trouble.empty()) == trouble.empty()) return;
  if (trouble.empty()) return log_.info("purges are written again");
  log_.error("PURGES ARE NOT WRITTEN: a restart fetches all that is on the disk anew: {}", trouble);
}

// Until every worker serves the configuration that was applied last.
void DataPlane::check_settled() {
  if (state_.draining) return;
  if (!proxy_->settled()) return loop_.arm(settle_timer_, kSettlePoll);
  if (!state_.last_known_good) loop_.arm(bake_timer_, kBake);
  if (state_.ready) return;
  serve_operators();
  if (const Status all = proxy_->receive_datagrams(); !all)
    log_.warn("not every worker serves UDP: {}", all.error().message);
  state_.ready = true;
  link_->say_ready();
  watch_cache();
  log_.info("serving {} resources with {} workers{}", state_.resources, worker_count(),
            options_.admin ? ", admin on " + wire::ip::to_string(*options_.admin) : "");
  for (const model::Port& port : current_.snapshot->ports) {
    for (const model::Listener& listener : port.listeners) {
      if (!listener.tls.issue_locally) continue;
      return log_.info("the development CA of listeners without certificates is {}",
                       local_ca_file(options_.state));
    }
  }
}

void DataPlane::keep_as_last_good() {
  if (state_.draining || state_.last_known_good) return;
  background_->run(
      [state = options_.state, objects = current_.objects] {
        return keep_last_good(state, to_documents(objects));
      },
      [this](const Status& kept) {
        if (!kept)
          log_.error("the last good configuration cannot be kept: {}", kept.error().message);
      });
}

// `replaced`: another data plane serves the same sockets already.
void DataPlane::drain(bool replaced) {
  const auto what = replaced ? proxy::Proxy::DrainFor::kSuccessor : proxy::Proxy::DrainFor::kEnd;
  if (state_.draining) {
    if (proxy_ && state_.ready) proxy_->drain(what, [] {}, [] {});
    return;
  }
  state_.draining = true;  // first of all: /readyz turns clients away
  watches_.clear();
  loop_.disarm(bake_timer_);
  background_.reset();  // a draining process writes no state
  if (!proxy_ || !state_.ready) return stop();
  if (replaced) {
    if (admin_server_) admin_server_->stop_accepting();
    if (api_server_) api_server_->stop_accepting();
  }
  log_.info("draining{}", replaced ? ": another data plane serves" : "");
  loop_.arm(drain_timer_, options_.drain_timeout + kDrainGuard);
  proxy_->drain(
      what, [this] { link_->say_draining(); }, [this] { stop(); });
}

void DataPlane::stop() { loop_.stop(); }

}  // namespace headgate::app
