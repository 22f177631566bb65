#pragma once
// The command line of `headgate`. Errors are Code::kInvalid with a message that names the flag, and
// what was probably meant.
#include <string>
#include <variant>

#include "app/options.h"
#include "base/result.h"

namespace headgate::app {

struct Up {
  UpOptions options;
};
struct ServeTraffic {
  UpOptions options;
  PlaneOptions plane;
};
struct Print {  // help and version
  std::string text;
};
using Invocation = std::variant<Up, ServeTraffic, CheckOptions, DocsOptions, PurgeOptions,
                                ExplainOptions, SignUrlOptions, Print>;

Result<Invocation> parse_command_line(int argc, const char* const* argv);

}  // namespace headgate::app
