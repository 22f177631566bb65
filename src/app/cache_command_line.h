#pragma once
// The part of the command line that asks a running edge about its cache. Used by command_line.cc
// alone, which reads all of it.
#include <string>
#include <vector>

#include "app/options.h"
#include "base/result.h"

namespace CLI {
class App;
}

namespace headgate::app {

// What CLI11 fills in.
struct RawPurge {
  std::string url, prefix, host, tag, name_space;
  bool everything = false, soft = false, as_json = false;
  std::string admin = "127.0.0.1:9900";
};

struct RawExplain {
  std::string url, method = "GET";
  std::vector<std::string> headers;
  bool as_json = false;
  std::string admin = "127.0.0.1:9900";
};

void add_purge(CLI::App& app, RawPurge& raw);
Result<PurgeOptions> finish_purge(const RawPurge& raw);
void add_explain(CLI::App& app, RawExplain& raw);  // `cache explain`
Result<ExplainOptions> finish_explain(const RawExplain& raw);

}  // namespace headgate::app
