#pragma once
// Command lines of the form "--name value", as a table of what is known. Anything else prints the
// usage and ends the program with 2.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace headgate::bench {

struct Argument {
  std::string_view name;  // without dashes
  std::variant<std::uint64_t*, std::string*> into;
  std::uint64_t min = 0, max = UINT64_MAX;  // of a number, its default included
};

void parse_arguments(int argc, char** argv, std::span<const Argument> known);

}  // namespace headgate::bench
