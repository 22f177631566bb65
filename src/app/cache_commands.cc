#include "app/cache_commands.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "io/fetch.h"
#include "io/loop.h"
#include "roles/proxy/cache/purge_order.h"

namespace headgate::app {
namespace {

using Json = nlohmann::json;

constexpr Duration kPatience = 40s;  // longer than the edge takes to close who gets no answer

struct Asked {
  int status = 0;
  std::string text;
  Json json;
};

// Says on standard error what to do when there is no answer to read.
std::optional<Asked> ask(const wire::ip::Endpoint& admin, io::FetchRequest request) {
  const std::string address = wire::ip::to_string(admin);
  request.url = fmt::format("http://{}{}", address, request.url);
  request.timeout = kPatience;
  request.redirects_max = 0;
  request.body_bytes_max = 16 << 20;
  io::Loop loop;
  io::Fetcher fetcher(loop);
  std::optional<Result<io::FetchResponse>> outcome;
  fetcher.start(std::move(request), [&](Result<io::FetchResponse> response) {
    outcome = std::move(response);
    loop.stop();
  });
  loop.run();
  if (!outcome || !*outcome) {
    fmt::print(stderr,
               "headgate: no edge answers at {}: {}\nIs `headgate up` running there? Its --admin "
               "says on which address; give the same one here.\n",
               address, outcome ? outcome->error().message : "interrupted");
    return std::nullopt;
  }
  Asked out{(*outcome)->status, std::move((*outcome)->body), {}};
  out.json = Json::parse(out.text, nullptr, false);
  if (out.status == 404 || !out.json.is_object()) {
    fmt::print(stderr, "headgate: what answers at {} is not an edge that can do this (status {})\n",
               address, out.status);
    return std::nullopt;
  }
  return out;
}

std::string milliseconds(const Json& receipt, const char* name) {
  return fmt::format("{:.3f} ms", receipt.value(name, 0.0) / 1000);
}

void say(const Json& receipt, const proxy::PurgeOrder& order) {
  fmt::print("{}: {} (order {}, {})\n",
             order.how == store::memory::Purge::kSoft ? "Stale from now on" : "Purged",
             proxy::in_words(order), receipt.value("id", 0ULL), receipt.value("time", ""));
  fmt::print("memory   every worker obeys since {} after the order came\n",
             milliseconds(receipt, "memoryEffectiveMicroseconds"));
  if (receipt.contains("diskEffectiveMicroseconds"))
    fmt::print("disk     nothing of it is taken from there since {} after the order came\n",
               milliseconds(receipt, "diskEffectiveMicroseconds"));
  else
    fmt::print("disk     this edge keeps nothing on disk\n");
  if (receipt.value("durable", false))
    fmt::print("restart  a restart keeps to it\n");
  else
    fmt::print("restart  NOT KEPT: {}\n", receipt.value("trouble", "the journal was not written"));
}

void row(std::string_view name, std::string_view text) { fmt::print("{:<9}{}\n", name, text); }

void say_variant(const Json& variant) {
  const auto ttl = variant.value("ttl", std::int64_t{0});
  std::string text =
      fmt::format("{} with {} bytes, age {} s, ", variant.value("status", 0),
                  variant.value("bytes", std::uint64_t{0}), variant.value("age", std::int64_t{0}));
  text += ttl > 0 ? fmt::format("fresh for {} s", ttl) : fmt::format("stale since {} s", -ttl);
  if (!variant.value("complete", true)) text += ", still arriving";
  if (variant.value("softlyPurged", false)) text += ", purged softly";
  if (variant.contains("vary")) text += ", Vary: " + variant.value("vary", "");
  for (const Json& tag : variant.value("tags", Json::array()))
    text += ", tag " + tag.get<std::string>();
  row(variant.value("selected", false) ? "stored" : "other", text);
}

void say_explanation(const Json& all) {
  row("request", fmt::format("{} {}", all.value("method", ""), all.value("url", "")));
  if (all.contains("route"))
    row("route", fmt::format("{}, rule {}", all.value("route", ""), all.value("ruleName", "")));
  if (all.contains("policy") && all["policy"].is_string())
    row("policy", "CachePolicy " + all.value("policy", ""));
  if (all.contains("key")) row("key", all.value("key", ""));
  for (const Json& variant : all.value("variants", Json::array())) say_variant(variant);
  if (all.contains("variants") && all["variants"].empty()) row("stored", "nothing in memory");
  const Json verdict = all.value("verdict", Json::object());
  row("verdict", verdict.value("text", ""));
  if (verdict.contains("rule"))
    row("", fmt::format("{} ({})", verdict.value("rule", ""), verdict.value("reason", "")));
  if (!all.contains("notKept")) return;
  const Json& refusal = all["notKept"];
  row("not kept", fmt::format("{} s ago an answer was not kept: {} ({})",
                              refusal.value("secondsAgo", std::int64_t{0}),
                              refusal.value("rule", ""), refusal.value("reason", "")));
}

}  // namespace

int purge(const PurgeOptions& options) {
  const auto order = proxy::read_purge(options.json);
  if (!order) {
    fmt::print(stderr, "headgate: {}\nTry 'headgate purge --help'.\n", order.error().message);
    return kExitUsage;
  }
  const auto asked = ask(options.admin, {.url = "/cache/purge",
                                         .method = "POST",
                                         .headers = {{"Content-Type", "application/json"}},
                                         .body = options.json});
  if (!asked) return kExitFailure;
  if (asked->status != 200) {
    fmt::print(stderr, "headgate: the edge refused: {}\n", asked->json.value("error", asked->text));
    return asked->status == 400 ? kExitUsage : kExitFailure;
  }
  if (options.as_json)
    fmt::print("{}", asked->text);
  else
    say(asked->json, order->order);
  return asked->json.value("durable", false) ? 0 : kExitNotDurable;
}

int explain(const ExplainOptions& options) {
  const auto asked = ask(options.admin, {.url = options.target});
  if (!asked) return kExitFailure;
  if (asked->status != 200) {
    fmt::print(stderr, "headgate: {}\n", asked->json.value("error", asked->text));
    return asked->status == 400 ? kExitUsage : kExitFailure;
  }
  if (options.as_json)
    fmt::print("{}", asked->text);
  else
    say_explanation(asked->json);
  return 0;
}

}  // namespace headgate::app
