#include "app/operator_pages.h"

#include <nlohmann/json.hpp>

#include "app/log.h"
#include "app/options.h"
#include "io/process_info.h"

namespace headgate::app {

using observe::Answer;
using observe::Request;

namespace {

constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

Answer page(const Request& request, int status, std::string_view text) {
  if (!request.rest.empty()) return {.status = 404, .body = "nothing is below this page\n"};
  return {.status = status, .body = std::string(text)};
}

void one(MetricsText& out, std::string_view name, std::string_view type, std::string_view help,
         double value) {
  out.family(name, type, help);
  out.sample({}, value);
}

void one(MetricsText& out, std::string_view name, std::string_view type, std::string_view help,
         std::uint64_t value) {
  out.family(name, type, help);
  out.sample({}, value);
}

}  // namespace

OperatorPages::OperatorPages(const PlaneState& state, const std::unique_ptr<proxy::Proxy>& proxy)
    : state_(state), proxy_(proxy) {
  site_.add<&OperatorPages::healthy>("/healthz", "200 while this process lives", this);
  site_.add<&OperatorPages::ready>(
      "/readyz", "200 while it takes traffic, 503 before that and in a drain", this);
  site_.add<&OperatorPages::metrics>("/metrics", "counters and histograms for Prometheus", this);
  site_.add<&OperatorPages::status>(
      "/status",
      "JSON: configuration, listeners, routes, upstreams, connections; /status/PART for one", this);
}

Answer OperatorPages::healthy(const Request& request) { return page(request, 200, "ok\n"); }

Answer OperatorPages::ready(const Request& request) {
  if (state_.draining) return page(request, 503, "draining\n");
  return state_.ready ? page(request, 200, "ok\n") : page(request, 503, "starting\n");
}

Answer OperatorPages::metrics(const Request& request) {
  if (!request.rest.empty()) return page(request, 404, {});
  MetricsText out;
  out.family("headgate_build_info", "gauge", "Version of this program; the value is always 1.");
  out.sample({{"version", kVersion}}, std::uint64_t{1});
  add_process(out);
  add_configuration(out);
  proxy_->collect_metrics(out);
  return {.status = 200, .content_type = kMetricsType, .body = out.text()};
}

void OperatorPages::add_process(MetricsText& out) const {
  const io::ProcessInfo info = io::process_info();
  one(out, "headgate_process_cpu_seconds_total", "counter", "CPU time that the data plane used.",
      info.cpu_seconds);
  one(out, "headgate_process_resident_memory_bytes", "gauge", "Memory of the data plane in RAM.",
      info.resident_bytes);
  one(out, "headgate_process_virtual_memory_bytes", "gauge", "Address space of the data plane.",
      info.virtual_bytes);
  one(out, "headgate_process_open_fds", "gauge", "Open file descriptors.", info.open_descriptors);
  one(out, "headgate_process_max_fds", "gauge", "Limit of open file descriptors.",
      info.descriptors_max);
  one(out, "headgate_process_threads", "gauge", "Threads of the data plane.", info.threads);
  one(out, "headgate_process_start_time_seconds", "gauge",
      "Start of the data plane, in seconds since 1970.", info.start_unix_seconds);
  one(out, "headgate_data_plane_restarts_total", "counter",
      "Data planes that died and were started again since the supervisor started.",
      std::uint64_t{state_.restarts});
}

void OperatorPages::add_configuration(MetricsText& out) const {
  one(out, "headgate_config_revision", "gauge",
      "Number of the configuration that is served, counted since this process started.",
      state_.revision);
  one(out, "headgate_config_resources", "gauge", "Resources of the configuration that is served.",
      std::uint64_t{state_.resources});
  one(out, "headgate_config_last_reload_successful", "gauge",
      "1 when the last reading of the configuration was taken, 0 when it was refused.",
      std::uint64_t{state_.last_reload_successful});
  one(out, "headgate_config_last_reload_success_timestamp_seconds", "gauge",
      "When a configuration was taken last, in seconds since 1970.",
      static_cast<double>(state_.last_reload_success.ns) / 1e9);
  one(out, "headgate_config_last_known_good", "gauge",
      "1 while the last good configuration is served because the files are invalid.",
      std::uint64_t{state_.last_known_good});
  out.family("headgate_config_last_reload_problems", "gauge",
             "Problems that the last reading of the configuration found.");
  out.sample({{"severity", "error"}}, std::uint64_t{state_.last_reload_errors});
  out.sample({{"severity", "warning"}}, std::uint64_t{state_.last_reload_warnings});
  out.family("headgate_config_reloads_total", "counter",
             "Readings of the configuration after the start.");
  out.sample({{"result", "taken"}}, state_.reloads_successful);
  out.sample({{"result", "refused"}}, state_.reloads_refused);
}

Answer OperatorPages::status(const Request& request) {
  nlohmann::ordered_json all = nlohmann::ordered_json::parse(proxy_->status_json(), nullptr, false);
  all["version"] = kVersion;
  all["ready"] = state_.ready && !state_.draining;
  all["draining"] = state_.draining;
  all["configuration"] = {{"revision", state_.revision},
                          {"resources", state_.resources},
                          {"lastReloadSuccessful", state_.last_reload_successful},
                          {"lastReloadSuccess", timestamp(state_.last_reload_success.ns)},
                          {"lastKnownGood", state_.last_known_good},
                          {"problems", nlohmann::ordered_json::array()}};
  std::string_view problems = state_.problems;
  for (std::size_t end; (end = problems.find('\n')) != std::string_view::npos;
       problems.remove_prefix(end + 1)) {
    all["configuration"]["problems"].push_back(problems.substr(0, end));
  }
  const nlohmann::ordered_json* part = &all;
  if (!request.rest.empty()) {
    const auto at = all.find(std::string(request.rest.substr(1)));
    if (at == all.end()) {
      Answer answer{.status = 404, .body = "no such part; these exist:\n"};
      for (const auto& [name, value] : all.items()) answer.body += "/status/" + name + "\n";
      return answer;
    }
    part = &*at;
  }
  return {.status = 200,
          .content_type = observe::kJson,
          .body = part->dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"};
}

}  // namespace headgate::app
