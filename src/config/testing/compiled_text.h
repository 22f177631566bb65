#pragma once
// For tests: what a text of objects becomes, what is said about it, and the objects that most such
// texts need. Any thread.
#include <string>
#include <string_view>
#include <utility>

#include "config/config.h"

namespace headgate::config {

struct Outcome {
  Loaded loaded;
  Compiled compiled;
  std::string problems;  // of both steps, a line each
};

inline Outcome compile_loaded(Loaded loaded, const CompileOptions& options = {}) {
  Outcome out{std::move(loaded), {}, {}};
  out.compiled = compile(out.loaded.objects, options);
  for (const Problems* list : {&out.loaded.problems, &out.compiled.problems})
    for (const Problem& problem : list->all()) out.problems += to_string(problem) + "\n";
  return out;
}
// Problems call the text "f".
inline Outcome compile_text(std::string_view text, const CompileOptions& options = {}) {
  return compile_loaded(load_text(text, "f"), options);
}

// The rule for every path of a.example at the first listener of a port, counted from 0.
inline const model::Rule& rule_on(const Outcome& out, std::size_t port) {
  const auto& routes = out.compiled.snapshot->ports.at(port).listeners.at(0).routes;
  return *routes.exact_hosts.find("a.example")->second.prefix.find("/")->second.at(0).rule;
}

inline std::string upstream_at(std::string_view name, int port) {
  return "apiVersion: headgate.io/v1alpha1\nkind: Upstream\nmetadata: {name: " + std::string(name) +
         "}\nspec: {endpoints: [{address: 127.0.0.1, port: " + std::to_string(port) + "}]}\n---\n";
}

// HTTPRoute shop of Gateway edge for a.example with this one rule, in braces.
inline std::string shop_route(std::string_view rule) {
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: "
         "shop}\nspec:\n"
         "  parentRefs: [{name: edge}]\n  hostnames: [a.example]\n  rules:\n  - " +
         std::string(rule) + "\n---\n";
}

}  // namespace headgate::config
