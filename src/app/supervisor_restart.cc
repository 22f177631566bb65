// Hot restart: try the binary that is on disk, become it, start a new data plane from it, let that
// one take over.
#include <csignal>

#include "app/supervisor.h"
#include "io/program.h"

namespace headgate::app {

namespace {
constexpr std::size_t kSecretBytesMax = 256;
constexpr std::size_t kEnvironmentTextMax =
    128 * 1024;                             // of one variable: the kernel's MAX_ARG_STRLEN
constexpr std::size_t kSocketLineMax = 70;  // "socket 2147483647 udp/", an IPv6 address, "/65535\n"
constexpr std::size_t kOtherLinesMax = 16 * 1024;  // the program's path, data planes
static_assert(HeldSockets::kSocketsMax * kSocketLineMax + kOtherLinesMax <= kEnvironmentTextMax,
              "the sockets of an edge can be told to the program that replaces this one");
}

void Supervisor::begin_hot_restart() {
  if (stopping_) return;
  if (probe_ || candidate_ || !serving_ || !serving_->ready()) {
    log_.warn("hot restart refused: {}", serving_ && serving_->ready()
                                             ? "one is under way"
                                             : "no data plane serves at the moment");
    return;
  }
  // A binary that cannot even say its version must not become this process.
  io::ChildSpec spec;
  spec.arguments = {binary_, "--version"};
  spec.environment = plane_environment();
  auto probe = io::Child::spawn(loop_, spec, [this](io::ChildExit how) { on_probe(how); });
  if (!probe) return log_.error("hot restart refused: {}", probe.error().message);
  probe_ = std::move(*probe);
  loop_.arm(probe_timer_, kProbeTimeout);
}

void Supervisor::probe_too_late() {
  probe_.reset();
  log_.error("hot restart refused: {} --version did not end in time", binary_);
}

void Supervisor::on_probe(io::ChildExit how) {
  loop_.disarm(probe_timer_);
  probe_.reset();
  if (how.status != 0 || how.signal != 0) {
    return log_.error("hot restart refused: {} --version ended with {}", binary_, describe(how));
  }
  replace_self();
}

void Supervisor::replace_self() {
  ResumeState state{.binary = binary_, .restarts = restarts_, .lock = -1, .tickets = -1, .sockets = {}, .planes = {}};
  std::vector<int> kept;
  for (const HeldSockets::Held& held : sockets_.all()) {
    state.sockets.push_back({held.name, held.fd.get()});
    kept.push_back(held.fd.get());
  }
  const auto add = [&](const PlaneProcess& plane, bool retiring) {
    state.planes.push_back({plane.pid(), plane.channel_fd(), retiring});
    kept.push_back(plane.channel_fd());
  };
  if (serving_) add(*serving_, false);
  for (const auto& plane : retiring_) add(*plane, true);

  state.lock = state_lock_.get();
  if (state_lock_.valid()) kept.push_back(state.lock);
  const auto secret = io::keep_in_memory(ticket_secret_);
  if (!secret) return log_.error("hot restart refused: {}", secret.error().message);
  state.tickets = secret->get();
  kept.push_back(state.tickets);

  std::vector<std::string> environment = plane_environment();
  environment.push_back(std::string(kResumeVariable) + "=" + encode(state));
  std::vector<std::string> arguments = arguments_;
  arguments[0] = binary_;
  log_.info("hot restart: running {}", binary_);
  log_.error("hot restart refused: {}",
             io::replace_program(arguments, environment, kept).error().message);
}

Status Supervisor::resume(std::string_view text) {
  auto state = decode_resume_state(text);
  if (!state) return std::unexpected(state.error());
  binary_ = state->binary;
  restarts_ = state->restarts;
  served_ = true;
  if (auto lock = io::inherit(state->lock)) state_lock_ = std::move(*lock);
  if (const auto memory = io::inherit(state->tickets)) {
    auto secret = io::read_from_memory(*memory, kSecretBytesMax);
    if (secret && !secret->empty()) ticket_secret_ = std::move(*secret);
  }
  Status first_failure;
  for (const ResumeState::Plane& plane : state->planes) {
    if (Status adopted = adopt(plane); !adopted && first_failure)
      first_failure = std::move(adopted);
  }
  for (ResumeState::Socket& socket : state->sockets) {
    auto fd = io::inherit(socket.fd);
    if (fd)
      sockets_.adopt(std::move(socket.name), std::move(*fd), serving_ ? serving_->id() : last_id_);
    else if (first_failure)
      first_failure = std::unexpected(fd.error());
  }
  return first_failure;
}

Status Supervisor::adopt(const ResumeState::Plane& plane) {
  PlaneProcess::Owner owner{
      [this](PlaneProcess& p, PlaneMessage message) { on_message(p, message); },
      [this](PlaneProcess& p, io::ChildExit how) { on_exit(p, how); }};
  auto adopted = PlaneProcess::adopt(loop_, ++last_id_, plane.pid, plane.channel, std::move(owner));
  if (!adopted) return std::unexpected(adopted.error());
  (*adopted)->set_ready();
  if (plane.retiring) {
    sockets_.adopt_retiring((*adopted)->id());
    retiring_.push_back(std::move(*adopted));
  } else {
    serving_ = std::move(*adopted);
  }
  return {};
}

void Supervisor::start_candidate() {
  auto plane = start_plane(serving_ ? Start::kReplace : Start::kRestart);
  if (!plane)
    return log_.error("hot restart refused: cannot start the new data plane: {}",
                      plane.error().message);
  candidate_ = std::move(*plane);
  loop_.arm(candidate_timer_, kReadyTimeout);
}

void Supervisor::give_up_candidate(std::string_view why) {
  loop_.disarm(candidate_timer_);
  log_.error("hot restart refused: the new data plane {} cannot serve: {}; {}", candidate_->pid(),
             why, serving_ ? "the one that serves goes on" : "another one is started");
  sockets_.release_all(candidate_->id());
  sockets_.ended(candidate_->id());  // it is killed
  loop_.retire(std::move(candidate_));
  if (!serving_ && !restart_timer_.armed())
    loop_.arm(restart_timer_, restart_policy_.after_death(0s, prng_));
}

}  // namespace headgate::app
