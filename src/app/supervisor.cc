#include "app/supervisor.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "base/ascii.h"
#include "io/entropy.h"
#include "io/file.h"
#include "io/lock_file.h"
#include "io/privileges.h"
#include "io/program.h"

namespace headgate::app {

namespace {

std::string new_secret() {
  std::string text;
  for (int i = 0; i < 4; ++i) append_hex(text, io::random_u64(), 16);
  return text;
}

}  // namespace

Supervisor::Supervisor(UpOptions options, std::vector<std::string> arguments, Log log)
    : options_(std::move(options)),
      arguments_(std::move(arguments)),
      binary_(io::program_path()),
      log_(log),
      prng_(io::random_u64()),
      ticket_secret_(new_secret()) {}

Supervisor::~Supervisor() = default;

int Supervisor::run() {
  if (const Status started = start_signals(); !started) {
    log_.error("{}", started.error().message);
    return kExitFailure;
  }
  if (const auto limit = io::raise_descriptor_limit(); !limit)
    log_.warn("{}", limit.error().message);
  if (const char* state = std::getenv(kResumeVariable)) {
    if (const Status resumed = resume(state); !resumed) log_.error("{}", resumed.error().message);
    start_candidate();
  } else if (const Status taken = take_state(); !taken) {
    log_.error("{}", taken.error().message);
    return kExitFailure;
  } else {
    start_serving(Start::kFirst);
  }
  if (!serving_ && !candidate_ && !restart_timer_.armed()) return kExitFailure;
  loop_.run();
  return exit_code_;
}

// Two edges in one state directory would write over each other's last good configuration.
Status Supervisor::take_state() {
  if (Status made = io::ensure_directory(options_.state, 0700); !made) return made;
  auto lock = io::lock_file(options_.state + "/lock");
  if (!lock && lock.error().code == Code::kUnavailable)
    return fail(Code::kUnavailable, fmt::format("another edge uses the state directory {}: {}",
                                                options_.state, lock.error().message));
  if (!lock) return std::unexpected(lock.error());
  state_lock_ = std::move(*lock);
  return {};
}

Status Supervisor::start_signals() {
  auto signals = io::Signals::make(loop_, {SIGHUP, SIGTERM, SIGINT, SIGUSR1, SIGUSR2},
                                   [this](int number) { on_signal(number); });
  if (!signals) return std::unexpected(signals.error());
  signals_ = std::move(*signals);
  return {};
}

void Supervisor::on_signal(int number) {
  switch (number) {
    case SIGHUP: return reload();
    case SIGUSR1: return reopen_log();
    case SIGUSR2: return begin_hot_restart();
    default: return stopping_ ? hurry() : stop();
  }
}

std::vector<std::string> Supervisor::plane_environment() const {
  std::vector<std::string> environment = io::environment();
  const std::string ours = std::string(kResumeVariable) + "=";
  std::erase_if(environment, [&](const std::string& entry) { return entry.starts_with(ours); });
  return environment;
}

Result<std::unique_ptr<PlaneProcess>> Supervisor::start_plane(Start why) {
  const std::string_view reason = why == Start::kFirst     ? "first"
                                  : why == Start::kRestart ? "restart"
                                                           : "replace";
  std::vector<std::string> arguments = {io::kSameProgram, "data-plane",
                                        "--start",        std::string(reason),
                                        "--restarts",     std::to_string(restarts_)};
  arguments.insert(arguments.end(), arguments_.begin() + 2,
                   arguments_.end());  // behind "headgate up"
  PlaneProcess::Owner owner{
      [this](PlaneProcess& plane, PlaneMessage message) { on_message(plane, message); },
      [this](PlaneProcess& plane, io::ChildExit how) { on_exit(plane, how); }};
  return PlaneProcess::start(loop_, ++last_id_, std::move(arguments), plane_environment(),
                             std::move(owner));
}

void Supervisor::start_serving(Start why) {
  auto plane = start_plane(why);
  if (plane) {
    serving_ = std::move(*plane);
    return;
  }
  log_.error("cannot start the data plane: {}", plane.error().message);
  if (why != Start::kFirst) loop_.arm(restart_timer_, restart_policy_.after_death(0s, prng_));
}

void Supervisor::restart_serving() {
  ++restarts_;
  start_serving(Start::kRestart);
}

void Supervisor::on_message(PlaneProcess& plane, PlaneMessage message) {
  if (message.verb == "open") return open_socket(plane, message.rest);
  if (message.verb == "tickets") return plane.send("secret", ticket_secret_);
  if (message.verb == "ready") return on_ready(plane);
  if (message.verb == "draining") return on_draining(plane);
  const auto name = parse_socket_name(message.rest);
  if (message.verb == "release" && name) return sockets_.release(*name, plane.id());
  log_.warn("data plane {} said '{} {}', which is not understood", plane.pid(), message.verb,
            message.rest);
}

// It has accepted everybody who waited. One that ends by itself leaves the sockets to its successor.
void Supervisor::on_draining(const PlaneProcess& plane) {
  if (stopping_ && &plane == serving_.get()) sockets_.stop_listening(operator_ports());
}

std::vector<SocketName> Supervisor::operator_ports() const {
  std::vector<SocketName> ports;
  for (const auto& port : {options_.admin, options_.api}) {
    if (port) ports.push_back({wire::ip::to_string(port->address), port->port, false});
  }
  return ports;
}

void Supervisor::open_socket(PlaneProcess& plane, std::string_view text) {
  std::string_view count = text;
  const std::string_view name_text = take_until(count, ' ');
  const auto name = parse_socket_name(name_text);
  const auto at_least = count.empty() ? 1 : parse_decimal(count);
  if (!name || !at_least || stopping_)
    return plane.send("refused", stopping_ ? "this edge is stopping" : "not the name of a socket");
  const auto fds = sockets_.claim(*name, plane.id(), *at_least);
  if (fds) {
    plane.send("socket", name_text, *fds);
  } else {
    plane.send("refused", fds.error().message);
  }
}

void Supervisor::on_ready(PlaneProcess& plane) {
  plane.set_ready();
  served_ = true;
  if (candidate_.get() == &plane) {
    loop_.disarm(candidate_timer_);
    loop_.disarm(restart_timer_);
    if (serving_) {
      serving_->send("retire");
      log_.info("hot restart: data plane {} serves, {} finishes what it has open", plane.pid(),
                serving_->pid());
      retiring_.push_back(std::move(serving_));
    }
    serving_ = std::move(candidate_);
  }
  if (&plane != serving_.get()) return;
  // What only predecessors asked for belongs to nobody now.
  for (PlaneId id = 1; id <= last_id_; ++id)
    if (id != plane.id() && !(candidate_ && candidate_->id() == id)) sockets_.release_all(id);
}

void Supervisor::on_exit(PlaneProcess& plane, io::ChildExit how) {
  sockets_.ended(plane.id());
  if (candidate_.get() == &plane)
    return give_up_candidate(fmt::format("it ended with {}", describe(how)));
  if (serving_.get() == &plane) return on_serving_exit(how);
  on_retiring_exit(plane, how);
}

void Supervisor::on_serving_exit(io::ChildExit how) {
  const int pid = serving_->pid();
  const Duration lived = serving_->lived();
  loop_.retire(std::move(serving_));
  if (stopping_) return finish_when_alone();
  if (!served_ && !candidate_ && how.signal == 0)
    return finish(how.status == 0 ? kExitFailure : how.status);
  if (candidate_)
    return log_.error("data plane {} ended with {}; the one that starts takes over", pid,
                      describe(how));
  const Duration delay = restart_policy_.after_death(lived, prng_);
  log_.error("data plane {} ended with {} after {:.1f} s; it is started again{}", pid,
             describe(how), std::chrono::duration<double>(lived).count(),
             delay == Duration::zero() ? "" : fmt::format(" in {} ms", delay.count() / 1'000'000));
  if (delay == Duration::zero()) return restart_serving();
  loop_.arm(restart_timer_, delay);
}

void Supervisor::on_retiring_exit(PlaneProcess& plane, io::ChildExit how) {
  const auto at = std::find_if(retiring_.begin(), retiring_.end(),
                               [&](const auto& one) { return one.get() == &plane; });
  if (at == retiring_.end()) return;
  if (how.status != 0 || how.signal != 0)
    log_.warn("data plane {} ended with {} while it was retiring", plane.pid(), describe(how));
  loop_.retire(std::move(*at));
  retiring_.erase(at);
  if (stopping_) finish_when_alone();
}

// Those that finish what they have open write to the log, too.
void Supervisor::reopen_log() {
  log_.info("SIGUSR1: opening the access log anew");
  if (serving_) serving_->send("reopen");
  if (candidate_) candidate_->send("reopen");
  for (const auto& plane : retiring_) plane->send("reopen");
}

void Supervisor::reload() {
  if (stopping_) return;
  log_.info("SIGHUP: reading the configuration again");
  if (serving_) serving_->send("reload");
  if (candidate_) candidate_->send("reload");
}

void Supervisor::stop() {
  stopping_ = true;
  loop_.disarm(restart_timer_);
  loop_.disarm(candidate_timer_);
  probe_.reset();
  if (candidate_) loop_.retire(std::move(candidate_));
  // /readyz says 503 from here on; the operators' ports stay until the end.
  sockets_.stop_queueing(operator_ports());
  if (serving_) serving_->send("drain");
  for (const auto& plane : retiring_) plane->send("drain");
  loop_.arm(kill_timer_, options_.drain_timeout + kDrainGrace);
  log_.info("stopping: what is open has {} s", options_.drain_timeout.count() / 1'000'000'000);
  finish_when_alone();
}

// A second signal: nothing more is waited for. A third, or a process that does not obey: SIGKILL.
void Supervisor::hurry() {
  if (hurried_) return kill_all();
  hurried_ = true;
  if (serving_) serving_->send("hurry");
  for (const auto& plane : retiring_) plane->send("hurry");
  loop_.arm(kill_timer_, 1s);
}

void Supervisor::kill_all() {
  if (serving_) serving_->signal(SIGKILL);
  for (const auto& plane : retiring_) plane->signal(SIGKILL);
}

void Supervisor::finish_when_alone() {
  if (!serving_ && retiring_.empty()) finish(0);
}

void Supervisor::finish(int exit_code) {
  exit_code_ = exit_code;
  loop_.stop();
}

}  // namespace headgate::app
