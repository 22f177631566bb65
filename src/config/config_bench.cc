// Cost of a whole configuration: text -> objects -> Snapshot.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "base/check.h"
#include "config/config.h"

namespace {

using namespace headgate::config;

std::string shops(std::int64_t routes) {
  std::string out =
      "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: edge}\nspec:\n  "
      "gatewayClassName: headgate\n"
      "  listeners: [{name: http, protocol: HTTP, port: 8080}]\n---\n"
      "apiVersion: headgate.io/v1alpha1\nkind: Upstream\nmetadata: {name: shop}\nspec:\n  "
      "endpoints: [{address: 127.0.0.1, port: 9000}]\n";
  for (std::int64_t i = 0; i < routes; ++i)
    out += fmt::format(
        "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: "
        "shop-{0}}}\nspec:\n  parentRefs: [{{name: edge}}]\n"
        "  hostnames: [\"shop-{1}.example\"]\n  rules:\n  - matches: [{{path: {{type: PathPrefix, "
        "value: /p/{0}}}}}]\n"
        "    timeouts: {{request: 10s}}\n    backendRefs: [{{group: headgate.io, kind: Upstream, "
        "name: shop}}]\n",
        i, i / 10);
  return out;
}

void BM_Load(benchmark::State& state) {
  const std::string text = shops(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(load_text(text, "bench.yaml").objects.size());
}
// What an edge does when its file has changed by one route: everything between bytes and Snapshot.
void BM_ReloadOneRoute(benchmark::State& state) {
  const std::string before = shops(state.range(0));
  std::string after = before;
  const std::size_t at = after.rfind("request: 10s");
  after.replace(at, 12, "request: 2s");
  LoadCache cache;
  load_text(before, "bench.yaml", cache);
  bool changed = false;
  for (auto _ : state) {
    changed = !changed;
    const Loaded loaded = load_text(changed ? after : before, "bench.yaml", cache);
    HG_CHECK(loaded.documents_parsed == 1, "one document is new");
    HG_CHECK(compile(loaded.objects, {}).snapshot, "the configuration is good");
  }
}
// Every route names an Upstream that is not there: mistakes must not cost more than good ones.
void BM_CompileAllWrong(benchmark::State& state) {
  std::string text = shops(state.range(0));
  text.replace(text.find("name: shop}"), 11, "name: shpo}");
  const Loaded loaded = load_text(text, "bench.yaml");
  for (auto _ : state) HG_CHECK(!compile(loaded.objects, {}).snapshot, "nothing resolves");
}
void BM_Compile(benchmark::State& state) {
  const Loaded loaded = load_text(shops(state.range(0)), "bench.yaml");
  for (auto _ : state) HG_CHECK(compile(loaded.objects, {}).snapshot, "the configuration is good");
}

BENCHMARK(BM_Load)->Arg(1000)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_ReloadOneRoute)->Arg(1000)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_CompileAllWrong)->Arg(1000)->Arg(10'000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Compile)->Arg(1000)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
