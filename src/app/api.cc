#include "app/api.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <vector>

#include <nlohmann/json.hpp>

#include "app/local_certificates.h"
#include "base/ascii.h"
#include "config/kind.h"
#include "io/entropy.h"
#include "io/file.h"

namespace headgate::app {

using nlohmann::ordered_json;
using observe::Answer;
using observe::Request;

namespace {

Answer json(int status, const ordered_json& value) {
  return {.status = status,
          .content_type = observe::kJson,
          .body = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n",
          .authenticate = {}};
}

// An error as Kubernetes clients read it.
Answer failure(int status, std::string_view reason, std::string message) {
  Answer answer = json(status, {{"kind", "Status"},
                                {"apiVersion", "v1"},
                                {"metadata", ordered_json::object()},
                                {"status", "Failure"},
                                {"message", std::move(message)},
                                {"reason", reason},
                                {"code", status}});
  if (status == 401) answer.authenticate = "Bearer";
  return answer;
}

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  while (!path.empty()) segments.push_back(take_until(path, '/'));
  return segments;
}

// What a path below /api or /apis asks for.
struct Asked {
  std::string_view group, version, name_space, plural, name;
};

std::optional<Asked> parse_path(std::string_view path) {
  std::vector<std::string_view> segments = segments_of(path);
  const std::size_t of_group = !segments.empty() && segments[0] == "apis" ? 3 : 2;
  if (segments.size() < of_group + 1) return std::nullopt;
  Asked asked;
  if (of_group == 3) asked.group = segments[1];
  asked.version = segments[of_group - 1];
  segments.erase(segments.begin(), segments.begin() + static_cast<std::ptrdiff_t>(of_group));
  if (segments[0] == "namespaces" && segments.size() >= 3) {
    asked.name_space = segments[1];
    segments.erase(segments.begin(), segments.begin() + 2);
  }
  if (segments.size() > 2) return std::nullopt;
  asked.plural = segments[0];
  if (segments.size() == 2) asked.name = segments[1];
  return asked;
}

const config::Kind* kind_of(const Asked& asked) {
  for (const config::Kind& kind : config::all_kinds()) {
    const bool version =
        std::find(kind.versions.begin(), kind.versions.end(), asked.version) != kind.versions.end();
    if (kind.group == asked.group && kind.plural == asked.plural && version) return &kind;
  }
  return nullptr;
}

ordered_json shown(const config::Object& object) {
  ordered_json value = *object.value;
  if (object.kind->name != "Secret") return value;
  for (const char* field : {"data", "stringData"}) {
    const auto data = value.find(field);
    if (data == value.end() || !data->is_object()) continue;
    for (auto& entry : *data) entry = "";
  }
  return value;
}

Result<std::string> token_of(const std::string& state) {
  const std::string file = token_file(state);
  auto kept = io::read_file(file, 4096);
  if (kept) {
    while (!kept->empty() && (kept->back() == '\n' || kept->back() == ' ')) kept->pop_back();
    if (kept->size() >= Api::kTokenBytes) return kept;
    return fail(Code::kInvalid,
                fmt::format("{}: shorter than {} bytes; remove it to get another one", file,
                            Api::kTokenBytes));
  }
  if (kept.error().code != Code::kNotFound) return kept;
  std::array<unsigned char, Api::kTokenBytes> bytes;
  io::random_bytes(bytes);
  std::string token;
  for (const unsigned char byte : bytes) append_hex(token, byte, 2);
  if (Status made = io::ensure_directory(state, 0700); !made) return std::unexpected(made.error());
  if (Status written = io::write_file_atomically(file, token + "\n", 0600); !written)
    return std::unexpected(written.error());
  return token;
}

}  // namespace

std::string token_file(const std::string& state) { return state + "/admin.token"; }

Result<std::unique_ptr<Api>> Api::make(const UpOptions& options, const Configuration& current,
                                       WallTime now) {
  auto token = token_of(options.state);
  if (!token) return std::unexpected(token.error());
  auto certificate =
      certificate_for_api(options.state, wire::ip::to_string(options.api->address), now);
  if (!certificate) return std::unexpected(certificate.error());
  io::tls::ServerConfig config;
  config.listeners.push_back({.name = "API",
                              .hostname = "",
                              .certificates = {std::move(*certificate)},
                              .client = {},
                              .alpn = io::tls::Alpn::kHttp1});
  auto tls = io::tls::ServerContext::make(config, std::make_shared<io::tls::TicketKeys>(now), now);
  if (!tls) return std::unexpected(tls.error());
  return std::unique_ptr<Api>(new Api(current, std::move(*token), std::move(*tls)));
}

Api::Api(const Configuration& current, std::string token,
         std::shared_ptr<io::tls::ServerContext> tls)
    : current_(current), token_(std::move(token)), tls_(std::move(tls)) {
  site_.add<&Api::healthy>("/healthz", "200 while this process lives", this);
  site_.add<&Api::version>("/version", "of this program", this);
  site_.add<&Api::resources>("/api", "resources of the core group", this);
  site_.add<&Api::resources>("/apis", "resources of other groups", this);
}

// Takes the same time for every wrong token of a length.
bool Api::may(const Request& request) const {
  constexpr std::string_view kScheme = "Bearer ";
  std::string_view given = request.authorization;
  if (given.size() < kScheme.size() ||
      !equals_ignore_case(given.substr(0, kScheme.size()), kScheme))
    return false;
  given.remove_prefix(kScheme.size());
  return given.size() == token_.size() &&
         CRYPTO_memcmp(given.data(), token_.data(), token_.size()) == 0;
}

Answer Api::healthy(const Request&) { return {.status = 200, .body = "ok\n", .authenticate = {}}; }

Answer Api::version(const Request& request) {
  if (!may(request))
    return failure(401, "Unauthorized",
                   "a bearer token is needed; it stands in admin.token of the state directory");
  return json(200, {{"major", "1"},
                    {"minor", "30"},
                    {"gitVersion", fmt::format("v1.30.0+headgate-{}", kVersion)},
                    {"platform", "linux"}});
}

Answer Api::resources(const Request& request) {
  if (!may(request))
    return failure(401, "Unauthorized",
                   "a bearer token is needed; it stands in admin.token of the state directory");
  const auto asked = parse_path(request.path);
  const config::Kind* kind = asked ? kind_of(*asked) : nullptr;
  if (!kind)
    return failure(404, "NotFound", fmt::format("{} names no kind of resource", request.path));
  ordered_json items = ordered_json::array();
  for (const auto& object : current_.objects) {
    if (object->kind != kind ||
        (!asked->name_space.empty() && object->name_space != asked->name_space))
      continue;
    if (asked->name.empty()) {
      items.push_back(shown(*object));
    } else if (object->name == asked->name && (!kind->namespaced || !asked->name_space.empty())) {
      return json(200, shown(*object));
    }
  }
  if (!asked->name.empty())
    return failure(404, "NotFound", fmt::format("{} \"{}\" not found", kind->plural, asked->name));
  const std::string api_version = kind->group.empty()
                                      ? std::string(asked->version)
                                      : fmt::format("{}/{}", kind->group, asked->version);
  return json(200, {{"kind", fmt::format("{}List", kind->name)},
                    {"apiVersion", api_version},
                    {"metadata", {{"resourceVersion", std::to_string(current_.revision)}}},
                    {"items", std::move(items)}});
}

}  // namespace headgate::app
