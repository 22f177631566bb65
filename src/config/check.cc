#include <fmt/format.h>

#include "config/config.h"

namespace headgate::config {

Compiled build(const std::vector<std::string>& paths, const CompileOptions& options) {
  Loaded loaded = load(paths);
  Compiled out = compile(loaded.objects, options);
  // Without any object the files themselves are the problem, and it is told already.
  if (loaded.objects.empty() && loaded.problems.errors() > 0) out.problems = Problems();
  for (const Problem& problem : loaded.problems.all()) out.problems.add(problem);
  out.problems.sort();
  if (out.problems.errors() > 0) out.snapshot = nullptr;
  return out;
}

Checked check(const std::vector<std::string>& paths, const CompileOptions& options) {
  Compiled compiled = build(paths, options);
  return {std::move(compiled.problems), compiled.objects};
}

std::string to_text(const Checked& checked) {
  std::string out;
  for (const Problem& problem : checked.problems.all()) out += to_string(problem) + '\n';
  if (checked.problems.dropped() > 0)
    out += fmt::format("... and {} more\n", checked.problems.dropped());
  out += fmt::format("{} objects, {} errors, {} warnings\n", checked.objects,
                     checked.problems.errors(), checked.problems.warnings());
  return out;
}

std::string to_json(const Checked& checked) {
  Json list = Json::array();
  for (const Problem& p : checked.problems.all())
    list.push_back({{"severity", p.severity == Severity::kError ? "error" : "warning"},
                    {"file", p.file},
                    {"line", p.line},
                    {"object", p.object},
                    {"path", p.path},
                    {"message", p.message},
                    {"suggestion", p.suggestion}});
  const Json out = {{"objects", checked.objects},
                    {"errors", checked.problems.errors()},
                    {"warnings", checked.problems.warnings()},
                    {"problems", std::move(list)}};
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace headgate::config
