// Any bytes as a configuration: problems or objects, never a crash; and what was compiled keeps the
// promises of the model.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "config/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate::config;
  if (size > 65536) return 0;
  const Loaded loaded = load_text({reinterpret_cast<const char*>(data), size}, "fuzz.yaml");
  for (const bool lenient : {false, true}) {
    CompileOptions options;
    options.lenient_references = lenient;
    options.files_allowed = false;
    const Compiled compiled = compile(loaded.objects, options);
    // An object that does not load is told by load alone, also when its absence leaves nothing.
    const bool told = loaded.problems.errors() + compiled.problems.errors() > 0;
    HG_CHECK(compiled.snapshot || told, "no snapshot without a reason");
    HG_CHECK(!compiled.snapshot || compiled.problems.errors() == 0, "no snapshot despite a reason");
    for (const Problem& problem : compiled.problems.all())
      HG_CHECK(!to_string(problem).empty(), "a problem says something");
    if (!compiled.snapshot) continue;
    HG_CHECK(!compiled.snapshot->ports.empty(), "law 2");
    for (const auto& port : compiled.snapshot->ports)
      for (const auto& rule : port.forwards)
        for (const auto& backend : rule.backends)
          HG_CHECK(backend.upstream == headgate::model::Backend::kInvalid ||
                       backend.upstream < compiled.snapshot->upstreams.size(),
                   "an index that exists");
  }
  return 0;
}
