#include "net/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "net/socket.h"

namespace headgate::bench {
namespace {

[[noreturn]] void usage(std::string_view program, std::span<const Argument> known) {
  std::string text = fmt::format("usage: {}", program);
  for (const Argument& argument : known) {
    const bool is_number = std::holds_alternative<std::uint64_t*>(argument.into);
    text += fmt::format(" [--{} {}]", argument.name, is_number ? "N" : "TEXT");
  }
  fmt::print(stderr, "{}\n", text);
  std::exit(2);
}

}  // namespace

void parse_arguments(int argc, char** argv, std::span<const Argument> known) {
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    const auto found = std::find_if(known.begin(), known.end(), [&](const Argument& one) {
      return name.starts_with("--") && one.name == name.substr(2);
    });
    if (found == known.end() || i + 1 == argc) usage(argv[0], known);
    if (auto* const* number = std::get_if<std::uint64_t*>(&found->into)) {
      **number = parse_number(name, argv[i + 1], found->max);
    } else {
      *std::get<std::string*>(found->into) = argv[i + 1];
    }
  }
  for (const Argument& argument : known) {
    const auto* const* number = std::get_if<std::uint64_t*>(&argument.into);
    if (number && **number < argument.min) usage(argv[0], known);
  }
}

}  // namespace headgate::bench
