#include "app/command_line.h"

#include <CLI/CLI.hpp>

#include <cstdlib>

#include "app/cache_command_line.h"
#include "base/ascii.h"
#include "config/duration.h"

namespace headgate::app {

namespace {

constexpr const char* kAbout =
    "Headgate: an edge in one binary. Takes traffic in, routes it by the Gateway API, and changes "
    "without dropping any.";
constexpr const char* kUpFooter = R"(
Signals: SIGHUP reads the configuration again; a bad one is refused and the running one stays. SIGUSR1 opens the
access log anew, after rotation. SIGUSR2 replaces the running program by the binary that is now on disk, without refusing a
connection. SIGTERM and SIGINT finish what is open, then exit;
a second one does not wait.
Exit codes: 0 stopped, 1 cannot start, 2 wrong usage, 4 invalid configuration.

Example: headgate up -f /etc/headgate --watch)";

// What CLI11 fills in before it is checked.
struct Raw {
  UpOptions up;
  PlaneOptions plane;
  CheckOptions check;
  DocsOptions docs;
  RawPurge purge;
  RawExplain explain;
  SignUrlOptions sign;
  std::string admin = "127.0.0.1:9900", api = "127.0.0.1:9901", drain_timeout = "30s",
              log_format = "text", start = "first", expires_in = "1h";
};

std::string default_state() {
  const auto from = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value ? value : "");
  };
  if (const std::string systemd = from("STATE_DIRECTORY"); !systemd.empty()) return systemd;
  if (const std::string xdg = from("XDG_STATE_HOME"); !xdg.empty()) return xdg + "/headgate";
  if (const std::string home = from("HOME"); !home.empty()) return home + "/.local/state/headgate";
  return "/var/lib/headgate";
}

void add_up_options(CLI::App& app, Raw& raw) {
  UpOptions& up = raw.up;
  app.add_option("-f,--file", up.files,
                 "Directory (every .yaml below it) or file with resources; may be repeated")
      ->required()
      ->type_name("DIR|FILE")
      ->take_all();
  app.add_option("--state", up.state,
                 "Directory for what must survive: development CA, last good configuration, stored "
                 "responses")
      ->type_name("DIR");
  app.add_option("--workers", up.workers,
                 "Worker threads; default: one for each CPU that the process may use")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
  app.add_flag("--pin-workers", up.pin_workers, "Keep each worker on a CPU of its own");
  app.add_option("--address", up.address,
                 "Replaces every address of listeners; for several edges on one machine")
      ->type_name("IP");
  app.add_option("--locality", up.locality,
                 "Where this edge is, for upstreams that prefer near endpoints")
      ->type_name("NAME");
  app.add_option("--admin", raw.admin,
                 "Address of /metrics, /status, /healthz, /readyz and purges; \"off\" for none")
      ->capture_default_str()
      ->type_name("IP:PORT");
  app.add_option("--api", raw.api,
                 "Address of the read-only API (TLS, bearer token); \"off\" for none")
      ->capture_default_str()
      ->type_name("IP:PORT");
  app.add_flag("--watch", up.watch, "Read the configuration again when its files change");
  app.add_option("--access-log", up.access_log, "File of the access log, \"-\" for standard output")
      ->capture_default_str()
      ->type_name("PATH|-");
  app.add_option("--drain-timeout", raw.drain_timeout,
                 "How long open exchanges may take when this process stops")
      ->capture_default_str()
      ->type_name("DURATION");
  app.add_option("--dns-server", up.dns_servers,
                 "DNS server for upstream names; default: the system's; may be repeated")
      ->type_name("IP:PORT")
      ->take_all();
  app.add_option("--cache-memory", up.cache_memory_bytes,
                 "Memory for stored responses of all workers, for example 2Gi")
      ->capture_default_str()
      ->type_name("SIZE")
      ->transform(CLI::AsSizeValue(true));
  app.add_option("--cache-disk", up.cache_disk_bytes,
                 "Disk for stored responses, below the state directory; default: none")
      ->type_name("SIZE")
      ->transform(CLI::AsSizeValue(true));
  app.add_option("--log-format", raw.log_format, "Form of the events on standard error")
      ->capture_default_str()
      ->check(CLI::IsMember({"text", "json"}));
  app.footer(kUpFooter);
}

void add_sign_options(CLI::App& app, Raw& raw) {
  SignUrlOptions& sign = raw.sign;
  app.add_option("url", sign.url, "For example https://cdn.example/video.mp4")->required();
  app.add_option("--key-id", sign.key_id, "`id` of the key in the AccessPolicy")->required();
  app.add_option("--key-file", sign.key_file, "File that holds the key, used byte for byte")
      ->required()
      ->type_name("PATH");
  app.add_option("--expires-in", raw.expires_in, "How long the URL is good")
      ->capture_default_str()
      ->type_name("DURATION");
  app.add_option("--prefix", sign.prefix, "Path such as /video/1/ below which everything is signed")
      ->type_name("PATH");
  app.add_option("--address", sign.address, "Address of the client, for `bindAddress`")
      ->type_name("IP");
  app.add_option("--parameter-prefix", sign.parameter_prefix, "As in the AccessPolicy")
      ->capture_default_str();
  app.footer(
      "\nExit codes: 0 signed, 1 the key cannot be read, 2 wrong usage.\n\n"
      "Example: headgate sign-url --key-id a --key-file key https://cdn.example/video.mp4");
}

void add_commands(CLI::App& app, Raw& raw) {
  app.set_version_flag("--version", std::string("headgate ") + kVersion);
  add_up_options(*app.add_subcommand("up", "Serve what the resources say"), raw);

  CLI::App& check = *app.add_subcommand(
      "check", "Validate resources without serving: exit 0, or 4 with every problem");
  check
      .add_option("-f,--file", raw.check.files, "Directory or file with resources; may be repeated")
      ->required()
      ->type_name("DIR|FILE")
      ->take_all();
  check.add_flag("--json", raw.check.json, "Print the problems as JSON");

  CLI::App& docs =
      *app.add_subcommand("docs", "Print the reference of a kind of resource, or of all");
  docs.add_option("kind", raw.docs.kind, "For example HTTPRoute");

  add_purge(app, raw.purge);
  add_explain(app, raw.explain);
  add_sign_options(*app.add_subcommand("sign-url", "Make a URL that is good until it expires"),
                   raw);

  CLI::App& plane = *app.add_subcommand("data-plane", "Started by the supervisor")->group("");
  add_up_options(plane, raw);
  plane.add_option("--start", raw.start)->check(CLI::IsMember({"first", "restart", "replace"}));
  plane.add_option("--restarts", raw.plane.restarts);
  for (CLI::App* command : app.get_subcommands({})) command->allow_extras();
  app.allow_extras();
}

std::unexpected<Error> usage(std::string message, const CLI::App& command) {
  return fail(Code::kInvalid,
              fmt::format("{}\nTry '{} --help'.", message,
                          command.get_name().empty() || command.get_name() == "headgate"
                              ? "headgate"
                              : "headgate " + command.get_name()),
              Source::kClient);
}

std::string unexpected_argument(const std::string& argument, const CLI::App& command) {
  std::vector<std::string> names;
  if (argument.starts_with("-")) {
    for (const CLI::Option* option : command.get_options())
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  } else {
    for (const CLI::App* sub :
         command.get_subcommands([](const CLI::App* s) { return !s->get_group().empty(); }))
      names.push_back(sub->get_name());
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  const std::string given = argument.substr(0, argument.find('='));
  const auto nearest = nearest_name(given, views.data(), views.size());
  return fmt::format("unknown {} '{}'{}", argument.starts_with("-") ? "option" : "argument", given,
                     nearest ? fmt::format("; did you mean '{}'?", *nearest) : "");
}

Result<std::optional<wire::ip::Endpoint>> parse_listen(const std::string& text,
                                                       std::string_view flag) {
  if (text == "off") return std::nullopt;
  const auto endpoint = wire::ip::parse_endpoint(text);
  if (!endpoint || endpoint->port == 0) {
    return fail(Code::kInvalid,
                fmt::format("{}: '{}' is not an IP address and port such as 127.0.0.1:9900, or off",
                            flag, text),
                Source::kClient);
  }
  return endpoint;
}

Status finish_up(Raw& raw) {
  UpOptions& up = raw.up;
  const auto admin = parse_listen(raw.admin, "--admin");
  if (!admin) return std::unexpected(admin.error());
  const auto api = parse_listen(raw.api, "--api");
  if (!api) return std::unexpected(api.error());
  up.admin = *admin;
  up.api = *api;
  const auto drain = config::parse_duration(raw.drain_timeout);
  if (!drain)
    return fail(Code::kInvalid, fmt::format("--drain-timeout: '{}' is not a duration such as 30s",
                                            raw.drain_timeout));
  up.drain_timeout = *drain;
  if (!up.address.empty() && !wire::ip::parse_ip(up.address)) {
    return fail(Code::kInvalid, fmt::format("--address: '{}' is not an IP address", up.address));
  }
  for (const std::string& server : up.dns_servers) {
    if (!wire::ip::parse_endpoint(server) && !wire::ip::parse_ip(server)) {
      return fail(
          Code::kInvalid,
          fmt::format("--dns-server: '{}' is not an IP address, with or without a port", server));
    }
  }
  if (up.state.empty()) up.state = default_state();
  up.log_format = raw.log_format == "json" ? Log::Format::kJson : Log::Format::kText;
  if (raw.start == "restart") raw.plane.start = Start::kRestart;
  if (raw.start == "replace") raw.plane.start = Start::kReplace;
  return {};
}

Result<Invocation> finish_sign(Raw& raw, const CLI::App& command) {
  const auto expires_in = config::parse_duration(raw.expires_in);
  if (!expires_in || *expires_in < 1s)
    return usage(
        fmt::format("--expires-in: '{}' is not a duration such as 1h, at least 1s", raw.expires_in),
        command);
  raw.sign.expires_in = *expires_in;
  return raw.sign;
}

Result<Invocation> to_invocation(const CLI::App& app, Raw& raw) {
  const auto chosen = app.get_subcommands();
  const CLI::App& command = chosen.empty() ? app : *chosen.front();
  for (const CLI::App* level : {&command, &app}) {
    if (const auto extras = level->remaining(); !extras.empty())
      return usage(unexpected_argument(extras.front(), *level), *level);
  }
  if (chosen.empty())
    return usage("a command is missing: up, check, docs, purge, cache or sign-url", app);
  if (command.get_name() == "check") return raw.check;
  if (command.get_name() == "docs") return raw.docs;
  if (command.get_name() == "purge") {
    auto options = finish_purge(raw.purge);
    if (!options) return usage(options.error().message, command);
    return *options;
  }
  if (command.get_name() == "cache") {
    auto options = finish_explain(raw.explain);
    if (!options) return usage(options.error().message, command);
    return *options;
  }
  if (command.get_name() == "sign-url") return finish_sign(raw, command);
  if (const Status finished = finish_up(raw); !finished)
    return usage(finished.error().message, command);
  if (command.get_name() == "data-plane") return ServeTraffic{raw.up, raw.plane};
  return Up{raw.up};
}

}  // namespace

Result<Invocation> parse_command_line(int argc, const char* const* argv) {
  CLI::App app(kAbout, "headgate");
  Raw raw;
  add_commands(app, raw);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForVersion& version) {
    return Print{std::string(version.what()) + "\n"};
  } catch (const CLI::CallForHelp&) {
    const auto chosen = app.get_subcommands();
    return Print{chosen.empty() ? app.help() : chosen.front()->help("headgate")};
  } catch (const CLI::ParseError& error) {
    const auto chosen = app.get_subcommands();
    // A mistyped flag explains more than the value that it left unread.
    const CLI::App& command = chosen.empty() ? app : *chosen.front();
    if (const auto extras = command.remaining(); !extras.empty())
      return usage(unexpected_argument(extras.front(), command), command);
    return usage(error.what(), command);
  }
  return to_invocation(app, raw);
}

}  // namespace headgate::app
