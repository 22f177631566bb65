#pragma once
// The kinds of resource that a configuration may hold, each with its table. Built on first use;
// immutable; any thread.
#include <string>
#include <string_view>
#include <vector>

#include "config/schema.h"

namespace headgate::config {

struct Kind {
  std::string_view group;                  // empty: the core group of Kubernetes
  std::vector<std::string_view> versions;  // the one in which the reference is written first
  std::string_view name, plural;
  bool namespaced = true;
  bool inherited = false;  // fields are merged over targets before defaults are filled in
  std::string_view prose;
  Schema schema;             // fields besides apiVersion, kind, metadata and status
  std::string_view example;  // YAML that `headgate check` accepts
};

const std::vector<Kind>& all_kinds();
const Kind* find_kind(std::string_view api_version, std::string_view name);
const Kind* find_kind(std::string_view name);

// Markdown of docs/reference/<plural>.md.
std::string reference_markdown(const Kind& kind);
// docs/reference/README.md: what every kind has in common, and links.
std::string reference_index_markdown();

inline constexpr std::string_view kGatewayGroup = "gateway.networking.k8s.io";
inline constexpr std::string_view kHeadgateGroup = "headgate.io";

}  // namespace headgate::config
