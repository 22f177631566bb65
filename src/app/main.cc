// headgate: one binary. `up` is the supervisor of an edge, which starts this program again as its
// data plane.
#include <cstdio>
#include <string>
#include <vector>

#include "app/cache_commands.h"
#include "app/command_line.h"
#include "app/data_plane.h"
#include "app/inspect_commands.h"
#include "app/sign_command.h"
#include "app/supervisor.h"

namespace headgate::app {
namespace {

struct Run {
  std::vector<std::string> arguments;

  int operator()(const Up& up) const {
    return Supervisor(up.options, arguments, Log("supervisor", up.options.log_format)).run();
  }
  int operator()(const ServeTraffic& start) const {
    return DataPlane(start.options, start.plane, Log("data-plane", start.options.log_format)).run();
  }
  int operator()(const CheckOptions& options) const { return check(options); }
  int operator()(const DocsOptions& options) const { return print_docs(options); }
  int operator()(const PurgeOptions& options) const { return purge(options); }
  int operator()(const ExplainOptions& options) const { return explain(options); }
  int operator()(const SignUrlOptions& options) const { return sign_url(options); }
  int operator()(const Print& print) const {
    fmt::print("{}", print.text);
    return 0;
  }
};

int run(int argc, char** argv) {
  const Result<Invocation> invocation = parse_command_line(argc, argv);
  if (invocation) return std::visit(Run{{argv, argv + argc}}, *invocation);
  fmt::print(stderr, "headgate: {}\n", invocation.error().message);
  return kExitUsage;
}

}  // namespace
}  // namespace headgate::app

int main(int argc, char** argv) { return headgate::app::run(argc, argv); }
