// A lookup must cost the same, within a factor of two, from 10 routes to 100,000: by host, by exact
// path, by prefix. The keys that are asked for are the same few in every table, so the figure is
// the cost of the algorithm; the "spread" rows ask for all of them and add the cache misses that
// 100,000 live routes cost any table.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "decide/route/match.h"

namespace headgate::decide::route {
namespace {

enum class By { kHost, kExact, kPrefix };

std::string host_of(By by, std::size_t i) {
  return by == By::kHost ? "h" + std::to_string(i) + ".example" : "h.example";
}
std::string path_of(By by, std::size_t i) {
  return by == By::kHost ? "/" : "/api/v1/service-" + std::to_string(i);
}

model::RouteTable table_of(By by, std::size_t routes) {
  std::vector<model::RouteEntry> entries;
  const auto rule = std::make_shared<const model::Rule>();
  for (std::size_t i = 0; i < routes; ++i) {
    model::RouteEntry e;
    e.hostname = host_of(by, i);
    e.match.path.kind =
        by == By::kExact ? model::PathMatch::Kind::kExact : model::PathMatch::Kind::kPrefix;
    e.match.path.value = path_of(by, i);
    e.rule = rule;
    e.order = i;
    entries.push_back(std::move(e));
  }
  return model::build_route_table(std::move(entries));
}

void lookup(benchmark::State& state, By by, std::size_t asked) {
  const auto table = table_of(by, static_cast<std::size_t>(state.range(0)));
  asked = std::min(asked, static_cast<std::size_t>(state.range(0)));
  const wire::http::Fields none;
  std::vector<std::pair<std::string, std::string>> requests;
  for (std::size_t i = 0; i < asked; ++i)
    requests.emplace_back(host_of(by, i),
                          path_of(by, i) + (by == By::kPrefix ? "/items/4711" : ""));
  std::size_t at = 0;
  for (auto _ : state) {
    const auto& [host, path] = requests[at = at + 1 < asked ? at + 1 : 0];
    const auto matched = match(table, {host, path, "", "GET", none});
    if (!matched) state.SkipWithError("no match");
    benchmark::DoNotOptimize(matched);
  }
}

void by_host(benchmark::State& state) { lookup(state, By::kHost, 10); }
void by_exact_path(benchmark::State& state) { lookup(state, By::kExact, 10); }
void by_prefix(benchmark::State& state) { lookup(state, By::kPrefix, 10); }
void by_host_spread(benchmark::State& state) { lookup(state, By::kHost, SIZE_MAX); }

BENCHMARK(by_host)->Arg(10)->Arg(1000)->Arg(100000);
BENCHMARK(by_exact_path)->Arg(10)->Arg(1000)->Arg(100000);
BENCHMARK(by_prefix)->Arg(10)->Arg(1000)->Arg(100000);
BENCHMARK(by_host_spread)->Arg(10)->Arg(1000)->Arg(100000);

}  // namespace
}  // namespace headgate::decide::route
