#pragma once
// The parent process of an edge. Holds the listening sockets, runs one data plane, starts it again
// when it dies, replaces it (and itself) for a hot restart, and passes the operator's signals on.
// It parses no traffic and reads no configuration, so that there is little in it that could fail.
// One thread, one loop.
//
// Data planes: `serving_` is the one that clients reach; `candidate_` starts during a hot restart
// and takes over when it is ready; those in `retiring_` finish what they have open.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/held_sockets.h"
#include "app/log.h"
#include "app/options.h"
#include "app/plane_process.h"
#include "app/restart_policy.h"
#include "app/resume_state.h"
#include "base/prng.h"
#include "io/loop.h"
#include "io/signals.h"

namespace headgate::app {

class Supervisor {
 public:
  static constexpr Duration kReadyTimeout = 30s;  // of a candidate
  static constexpr Duration kProbeTimeout = 10s;  // of the new binary, before this one is replaced
  static constexpr Duration kDrainGrace = 5s;     // beyond --drain-timeout, then SIGKILL

  // `arguments`: of this process, [0] included.
  Supervisor(UpOptions options, std::vector<std::string> arguments, Log log);
  ~Supervisor();

  // Until the edge stops; the exit code of the program.
  int run();

 private:
  Status resume(std::string_view state);
  Status adopt(const ResumeState::Plane& plane);
  Status start_signals();
  Status take_state();
  Result<std::unique_ptr<PlaneProcess>> start_plane(Start why);
  void start_serving(Start why);
  void restart_serving();
  void start_candidate();
  void give_up_candidate(std::string_view why);
  void candidate_too_late() { give_up_candidate("it was not ready in time"); }

  void on_signal(int number);
  void on_message(PlaneProcess& plane, PlaneMessage message);
  void on_ready(PlaneProcess& plane);
  void on_draining(const PlaneProcess& plane);
  std::vector<SocketName> operator_ports() const;
  void open_socket(PlaneProcess& plane, std::string_view name);
  void on_exit(PlaneProcess& plane, io::ChildExit how);
  void on_serving_exit(io::ChildExit how);
  void on_retiring_exit(PlaneProcess& plane, io::ChildExit how);

  void reopen_log();
  void reload();
  void stop();
  void hurry();
  void kill_all();
  void finish(int exit_code);
  void finish_when_alone();

  void begin_hot_restart();
  void on_probe(io::ChildExit how);
  void probe_too_late();
  void replace_self();
  std::vector<std::string> plane_environment() const;

  UpOptions options_;
  std::vector<std::string> arguments_;
  std::string binary_;
  Log log_;
  io::Loop loop_;
  Prng prng_;
  HeldSockets sockets_;
  io::Fd state_lock_;
  std::string ticket_secret_;  // in memory alone, here and in the data planes
  RestartPolicy restart_policy_;
  std::uint32_t restarts_ = 0;
  PlaneId last_id_ = 0;
  std::unique_ptr<PlaneProcess> serving_, candidate_;
  std::vector<std::unique_ptr<PlaneProcess>> retiring_;
  std::unique_ptr<io::Child> probe_;
  std::unique_ptr<io::Signals> signals_;
  bool served_ = false;  // some data plane was ready once
  bool stopping_ = false;
  bool hurried_ = false;
  int exit_code_ = 0;
  io::MemberTimer<&Supervisor::restart_serving> restart_timer_{this};
  io::MemberTimer<&Supervisor::candidate_too_late> candidate_timer_{this};
  io::MemberTimer<&Supervisor::probe_too_late> probe_timer_{this};
  io::MemberTimer<&Supervisor::kill_all> kill_timer_{this};
};

}  // namespace headgate::app
