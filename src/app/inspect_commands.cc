#include "app/inspect_commands.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/ascii.h"
#include "config/config.h"
#include "config/kind.h"

namespace headgate::app {

int check(const CheckOptions& options) {
  const config::Checked checked = config::check(options.files);
  const std::string text = options.json ? config::to_json(checked) : config::to_text(checked);
  fmt::print("{}{}", text, text.ends_with('\n') ? "" : "\n");
  return checked.exit_code();
}

int print_docs(const DocsOptions& options) {
  std::vector<std::string_view> names;
  for (const config::Kind& kind : config::all_kinds()) {
    names.push_back(kind.name);
    const bool wanted = options.kind.empty() || equals_ignore_case(options.kind, kind.name) ||
                        equals_ignore_case(options.kind, kind.plural);
    if (!wanted) continue;
    fmt::print("{}\n", config::reference_markdown(kind));
    if (!options.kind.empty()) return 0;
  }
  if (options.kind.empty()) return 0;
  const auto nearest = nearest_name(options.kind, names.data(), names.size());
  fmt::print(stderr, "headgate: there is no kind '{}'{}\nThese exist: {}\n", options.kind,
             nearest ? fmt::format("; did you mean '{}'?", *nearest) : "", fmt::join(names, ", "));
  return kExitUsage;
}

}  // namespace headgate::app
