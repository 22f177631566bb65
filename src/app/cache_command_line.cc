#include "app/cache_command_line.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "wire/uri/percent.h"

namespace headgate::app {
namespace {

constexpr const char* kPurgeFooter = R"(
One of --url, --prefix, --host, --tag with --namespace, --namespace alone, --everything. A URL is meant in all its variants, and with
its query as it is written; a prefix takes every query. The receipt is printed when every worker and the disk obey and a restart
will keep to it.
Exit codes: 0 done, 1 no edge could be asked or it could not do it now, 2 wrong usage, 3 done, but a restart may forget it.

Examples: headgate purge --url https://www.example.org/news?page=2
          headgate purge --tag article-17 --namespace shop --soft)";

Result<wire::ip::Endpoint> admin_of(const std::string& text) {
  const auto endpoint = wire::ip::parse_endpoint(text);
  if (endpoint && endpoint->port != 0) return *endpoint;
  return fail(
      Code::kInvalid,
      fmt::format("--admin: '{}' is not an IP address and port such as 127.0.0.1:9900", text),
      Source::kClient);
}

void add_admin(CLI::App& command, std::string& admin) {
  command.add_option("--admin", admin, "Admin address of the edge, as `headgate up` has it")
      ->capture_default_str()
      ->type_name("IP:PORT");
}

constexpr const char* kExplainFooter = R"(
Exit codes: 0 explained, 1 no edge could be asked, 2 wrong usage.

Example: headgate cache explain https://www.example.org/ -H 'Accept-Encoding: br')";

}  // namespace

void add_purge(CLI::App& app, RawPurge& raw) {
  CLI::App& purge =
      *app.add_subcommand("purge", "Take stored responses out of the cache of a running edge");
  purge.add_option("--url", raw.url, "This URL")->type_name("URL");
  purge.add_option("--prefix", raw.prefix, "Every URL that begins so, whatever its query")
      ->type_name("URL");
  purge.add_option("--host", raw.host, "Every URL of this host, on every port")->type_name("NAME");
  purge.add_option("--tag", raw.tag, "What was stored with this tag by routes of --namespace")
      ->type_name("TAG");
  purge.add_option("--namespace", raw.name_space, "What routes of this namespace stored")
      ->type_name("NAME");
  purge.add_flag("--everything", raw.everything, "All there is");
  purge.add_flag(
      "--soft", raw.soft,
      "Keep it as stale: it may be served while it is validated, or when the origin fails");
  add_admin(purge, raw.admin);
  purge.add_flag("--json", raw.as_json, "Print the receipt as JSON");
  purge.footer(kPurgeFooter);
}

Result<PurgeOptions> finish_purge(const RawPurge& raw) {
  const auto admin = admin_of(raw.admin);
  if (!admin) return std::unexpected(admin.error());
  nlohmann::ordered_json order = nlohmann::ordered_json::object();
  const std::pair<const char*, const std::string*> named[] = {{"url", &raw.url},
                                                              {"prefix", &raw.prefix},
                                                              {"host", &raw.host},
                                                              {"tag", &raw.tag},
                                                              {"namespace", &raw.name_space}};
  for (const auto& [name, value] : named)
    if (!value->empty()) order[name] = *value;
  if (raw.everything) order["everything"] = true;
  if (raw.soft) order["soft"] = true;
  return PurgeOptions{order.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace),
                      raw.as_json, *admin};
}

void add_explain(CLI::App& app, RawExplain& raw) {
  CLI::App& cache = *app.add_subcommand("cache", "Ask a running edge about its cache");
  cache.require_subcommand(1);
  CLI::App& explain = *cache.add_subcommand(
      "explain",
      "Why a request is answered from the cache or not, and why its answer was not kept");
  explain.add_option("url", raw.url, "URL of the request")->required()->type_name("URL");
  explain.add_option("-H,--header", raw.headers, "A field of the request; may be repeated")
      ->type_name("'NAME: VALUE'")
      ->allow_extra_args(false);
  explain.add_option("-X,--method", raw.method, "Its method")
      ->capture_default_str()
      ->type_name("METHOD");
  add_admin(explain, raw.admin);
  explain.add_flag("--json", raw.as_json, "Print all that is known as JSON");
  explain.footer(kExplainFooter);
}

Result<ExplainOptions> finish_explain(const RawExplain& raw) {
  const auto admin = admin_of(raw.admin);
  if (!admin) return std::unexpected(admin.error());
  std::string target = "/cache/explain?url=";
  wire::uri::percent_encode(target, raw.url);
  target += "&method=";
  wire::uri::percent_encode(target, raw.method);
  for (const std::string& header : raw.headers) {
    target += "&header=";
    wire::uri::percent_encode(target, header);
  }
  return ExplainOptions{std::move(target), raw.as_json, *admin};
}

}  // namespace headgate::app
