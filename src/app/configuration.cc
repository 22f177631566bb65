#include "app/configuration.h"

#include "app/last_good.h"
#include "app/local_certificates.h"

namespace headgate::app {

namespace {

void add_problem(Configuration& configuration, std::string message) {
  config::Problem problem;
  problem.message = std::move(message);
  configuration.problems.add(std::move(problem));
}

// Empty is not valid (law 2): a source that lost everything must not take the edge down.
void refuse_empty(Configuration& configuration, const model::Snapshot& snapshot) {
  if (snapshot.ports.empty())
    add_problem(configuration, "no Gateway with a listener: an edge without a port serves nobody");
}

void compile(Configuration& configuration, const UpOptions& options, WallTime now) {
  config::CompileOptions how;
  how.address_override = options.address;
  how.locality = options.locality;
  how.revision = configuration.revision;
  config::Compiled compiled = config::compile(configuration.objects, how);
  for (const config::Problem& problem : compiled.problems.all())
    configuration.problems.add(problem);
  configuration.statuses = std::move(compiled.statuses);
  if (compiled.snapshot) refuse_empty(configuration, *compiled.snapshot);
  configuration.problems.sort();
  if (configuration.problems.errors() > 0 || !compiled.snapshot) return;
  auto complete = with_local_certificates(std::move(compiled.snapshot), options.state, now);
  if (complete) {
    configuration.snapshot = std::move(*complete);
  } else {
    add_problem(configuration, "development CA: " + complete.error().message);
  }
}

Configuration from(config::Loaded loaded, const UpOptions& options, std::uint64_t revision,
                   WallTime now) {
  Configuration configuration;
  configuration.revision = revision;
  configuration.objects = std::move(loaded.objects);
  configuration.problems = std::move(loaded.problems);
  // Without any object the files themselves are the problem, and it is told already.
  if (!configuration.objects.empty() || configuration.problems.errors() == 0)
    compile(configuration, options, now);
  return configuration;
}

}  // namespace

Configuration read_configuration(const UpOptions& options, std::uint64_t revision, WallTime now,
                                 config::LoadCache& cache) {
  return from(config::load(options.files, cache), options, revision, now);
}

Configuration read_last_good_configuration(const UpOptions& options, std::uint64_t revision,
                                           WallTime now) {
  const auto text = read_last_good(options.state);
  if (text)
    return from(config::load_text(*text, last_good_file(options.state)), options, revision, now);
  Configuration configuration;
  add_problem(configuration, "last good configuration: " + text.error().message);
  return configuration;
}

}  // namespace headgate::app
