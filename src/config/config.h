#pragma once
// Configuration: files -> objects -> the Snapshot that workers read. Everything here runs off the
// workers, keeps no state between calls but in a LoadCache of the caller, and reports every problem
// that it finds at once.
//
//   Compiled compiled = build({"/etc/headgate"}, {});
//   for (const Problem& p : compiled.problems.all()) log(to_string(p));   // warnings too
//   if (compiled.snapshot) publish(compiled.snapshot);
//
// `build` is `load` (read, parse, validate each object by itself) and then `compile` (resolve
// references, build the Snapshot). A configuration with errors gives no Snapshot: the caller keeps
// the one that runs (law 5).
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/load_cache.h"
#include "config/object.h"
#include "config/problem.h"
#include "model/snapshot.h"

namespace headgate::config {

struct Loaded {
  Objects objects;
  Problems problems;
  std::size_t documents_parsed = 0;  // the others were known to the LoadCache
};

// Files and directories; of a directory every .yaml and .yml below it, sorted, hidden ones left
// out.
Loaded load(const std::vector<std::string>& paths);
// Parses what changed since the last load with this cache; the result is the same.
Loaded load(const std::vector<std::string>& paths, LoadCache& cache);
// One text, for example of a request or a test; `name` stands for the file in problems.
Loaded load_text(std::string_view text, std::string_view name);
Loaded load_text(std::string_view text, std::string_view name, LoadCache& cache);

struct CompileOptions {
  std::string address_override;  // replaces every address of Gateways; empty: as written
  std::string locality;          // of this edge
  std::uint64_t revision = 0;
  // The Gateway API's own answer to a reference that leads nowhere: 500 for its share, a condition,
  // and no error. For the API, where objects arrive one after the other; a configuration from files
  // treats it as an error, since it is a typing mistake.
  bool lenient_references = false;
  bool files_allowed = true;  // jwks.file may be read
};

struct Condition {
  std::string type;  // Accepted, ResolvedRefs, Programmed, PartiallyInvalid, Conflicted
  bool status = true;
  std::string reason, message;
};

struct ObjectStatus {
  std::string object;    // "HTTPRoute default/shop"
  std::string ancestor;  // of a route or policy: "Gateway default/edge"; of a listener: its name;
                         // else empty
  std::int64_t observed_generation = 0;
  std::vector<Condition> conditions;
  std::uint32_t attached_routes = 0;  // of a listener
};

struct Compiled {
  std::shared_ptr<const model::Snapshot> snapshot;  // nullptr: there are errors
  std::vector<ObjectStatus> statuses;
  Problems problems;
  std::size_t objects = 0;
};

// Of objects that are loaded already. Objects that are not valid are left out; their problems are
// not repeated here, so who wants all or nothing uses `build`.
Compiled compile(const Objects& objects, const CompileOptions& options);
// All or nothing: no Snapshot when anything at all is wrong.
Compiled build(const std::vector<std::string>& paths, const CompileOptions& options);

// What `headgate check` prints.
struct Checked {
  Problems problems;
  std::size_t objects = 0;
  int exit_code() const { return problems.errors() == 0 ? 0 : 4; }
};
Checked check(const std::vector<std::string>& paths, const CompileOptions& options = {});
std::string to_text(const Checked& checked);  // one problem a line, then a summary
std::string to_json(const Checked& checked);

}  // namespace headgate::config
