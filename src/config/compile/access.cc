#include "config/compile/access.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "base/ascii.h"
#include "config/compile/certificates.h"
#include "config/compile/sha256.h"
#include "config/value.h"
#include "decide/access/jwks.h"
#include "decide/access/limits.h"

namespace headgate::config {
namespace {

Result<std::string> read_key_file(const Context& context, const Object& object,
                                  std::string_view path) {
  if (!context.options.files_allowed || !object.file)
    return fail(Code::kDenied,
                "files are read for configurations that are files themselves, and not here");
  const std::filesystem::path full = std::filesystem::path(*object.file).parent_path() / path;
  std::error_code error;
  const auto bytes = std::filesystem::file_size(full, error);
  if (error) return fail(Code::kNotFound, fmt::format("{}: {}", full.native(), error.message()));
  if (bytes > decide::access::kJwksBytesMax)
    return fail(Code::kExhausted, fmt::format("{}: expected at most {} bytes, got {}",
                                              full.native(), decide::access::kJwksBytesMax, bytes));
  std::ifstream in(full, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Result<std::string> read_key_map(const Context& context, const Object& object,
                                 const Json& reference) {
  const Resolved found = context.resolve(object, "", "ConfigMap", reference);
  if (!found.object) return fail(Code::kNotFound, found.fault.message);
  auto text = data_of(*found.object, text_of(reference, "key"));
  if (!text)
    return fail(Code::kNotFound,
                fmt::format("{} has no key '{}'", found.object->label, text_of(reference, "key")));
  return std::move(*text);
}

void read_keys(const Context& context, const Object& object, const Json& jwks, const Place& place,
               model::JwtProvider& out) {
  out.jwks_url = text_of(jwks, "url");
  out.jwks_refresh = duration_of(jwks, "refresh");
  if (!out.jwks_url.empty()) return;
  std::string_view field = "inline";
  Result<std::string> text = std::string(text_of(jwks, "inline"));
  if (find(jwks, "file")) text = read_key_file(context, object, text_of(jwks, field = "file"));
  if (find(jwks, "configMapRef"))
    text = read_key_map(context, object, at(jwks, field = "configMapRef"));
  const Place here(place, field);
  if (!text) return context.fault(here, text.error().message);
  // Nobody could be let in by such a set, so it is told here, where its author sees the field.
  if (const auto parsed = decide::access::parse_jwks(*text); !parsed)
    return context.fault(here, "expected a usable " + parsed.error().message);
  out.jwks = std::move(*text);
}

model::JwtProvider provider_of(const Context& context, const Object& object, const Json& value,
                               const Place& place) {
  model::JwtProvider out;
  out.name = text_of(value, "name");
  out.issuer = text_of(value, "issuer");
  out.audiences = texts_of(value, "audiences");
  read_keys(context, object, at(value, "jwks"), Place(place, "jwks"), out);
  out.clock_skew = duration_of(value, "clockSkew");
  out.header = to_lower(text_of(value, "header"));
  out.cookie = text_of(value, "cookie");
  for (const Json& one : items(value, "requiredClaims"))
    out.required_claims.emplace_back(text_of(one, "claim"), text_of(one, "value"));
  for (const Json& one : items(value, "claimHeaders"))
    out.claim_headers.emplace_back(text_of(one, "claim"), to_lower(text_of(one, "header")));
  out.forward_token = boolean_of(value, "forwardToken");
  return out;
}

// nullptr: there is none, which the problems say at `place`.
const Object* secret_of(const Context& context, const Object& object, const Json& reference,
                        const Place& place) {
  const Resolved secret = context.resolve(object, "", "Secret", reference);
  if (!secret.object) context.fault(Place(place, "name"), secret.fault);
  return secret.object;
}

constexpr std::size_t kApiKeyBytesMin = 8;

void read_api_keys(const Context& context, const Object& object, const Json& value,
                   const Place& place, model::AccessPolicy& out) {
  out.api_key_header = to_lower(text_of(value, "header"));
  out.api_key_query = text_of(value, "query");
  const Place list(place, "secretRefs");
  const Json& references = items(value, "secretRefs");
  for (std::size_t i = 0; i < references.size(); ++i) {
    const Place here(list, i);
    const Object* const secret = secret_of(context, object, references[i], here);
    if (!secret) continue;
    for (auto& [client, key] : all_data_of(*secret)) {
      if (key.size() >= kApiKeyBytesMin) {
        out.api_keys.push_back({client, sha256(key)});
      } else {
        context.fault(here, fmt::format("{}: key of '{}': expected at least {} bytes",
                                        secret->label, client, kApiKeyBytesMin));
      }
    }
  }
}

model::SignedUrls signed_urls_of(const Context& context, const Object& object, const Json& value,
                                 const Place& place) {
  model::SignedUrls out;
  out.parameter_prefix = text_of(value, "parameterPrefix");
  out.prefix_allowed = boolean_of(value, "allowPrefix");
  out.bind_address = boolean_of(value, "bindAddress");
  const Place list(place, "keys");
  const Json& keys = items(value, "keys");
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const Json& reference = at(keys[i], "secretRef");
    const Place item(list, i), here(item, "secretRef");
    const Object* const secret = secret_of(context, object, reference, here);
    if (!secret) continue;
    const std::string_view entry = text_of(reference, "key");
    auto bytes = data_of(*secret, entry);
    if (!bytes) {
      context.fault(Place(here, "key"), fmt::format("{} has no key '{}'", secret->label, entry));
    } else if (bytes->size() < decide::access::kUrlKeyBytesMin) {
      context.fault(Place(here, "key"),
                    fmt::format("{}: '{}': expected at least {} bytes, got {}", secret->label,
                                entry, decide::access::kUrlKeyBytesMin, bytes->size()));
    } else {
      out.keys.push_back({std::string(text_of(keys[i], "id")), std::move(*bytes)});
    }
  }
  return out;
}

void read_external(const Context& context, const Upstreams& upstreams, const Object& object,
                   const Json& value, const Place& place, model::AccessPolicy& out) {
  model::ExternalAuthorization external;
  const auto found = upstreams.find(object, at(value, "backendRef"));
  if (found.index == model::Backend::kInvalid) {
    const Place reference(place, "backendRef");
    context.fault(Place(reference, "name"), found.fault);
  }
  external.upstream = found.index;  // kInvalid: nobody can be asked, so the policy refuses
  external.path_prefix = text_of(value, "pathPrefix");
  external.timeout = duration_of(value, "timeout");
  external.allow_on_error =
      text_of(value, "onError") == "Allow" && found.index != model::Backend::kInvalid;
  external.request_headers = lower_texts_of(value, "requestHeaders");
  external.response_headers = lower_texts_of(value, "responseHeaders");
  out.external = std::move(external);
}

}  // namespace

std::vector<std::shared_ptr<const model::RateLimit>> rate_limits_of(const Object& object) {
  std::vector<std::shared_ptr<const model::RateLimit>> out;
  for (const Json& value : items(object.spec(), "limits")) {
    auto limit = std::make_shared<model::RateLimit>();
    limit->name = fmt::format("{}/{}", object.key(), text_of(value, "name"));
    limit->fingerprint = hash64(value.dump());
    limit->requests = whole_of<std::uint64_t>(value, "requests");
    limit->period = duration_of(value, "period");
    limit->burst = whole_of<std::uint64_t>(value, "burst", limit->requests);
    for (const Json& key : items(value, "key")) limit->key.push_back(hash_key_of(key));
    limit->by_route = boolean_of(value, "perRoute");
    limit->by_tenant = boolean_of(value, "perTenant");
    limit->status = whole_of<std::uint16_t>(value, "status");
    limit->entries_max = whole_of<std::uint32_t>(value, "maxEntries");
    out.push_back(std::move(limit));
  }
  return out;
}

std::shared_ptr<const model::AccessPolicy> access_policy_of(const Context& context,
                                                            const Upstreams& upstreams,
                                                            const Object& object) {
  const Report report = object.report_to(context.out.problems);
  const Place root(report), place(root, "spec");
  const Json& spec = object.spec();
  auto out = std::make_shared<model::AccessPolicy>();
  out->name = object.key();
  out->deny = prefixes_of(spec, "deny");
  out->allow = prefixes_of(spec, "allow");
  const Json& jwt = at(spec, "jwt");
  const Place jwt_place(place, "jwt"), providers(jwt_place, "providers");
  for (std::size_t i = 0; i < items(jwt, "providers").size(); ++i)
    out->jwt.push_back(
        provider_of(context, object, items(jwt, "providers")[i], Place(providers, i)));
  out->jwt_required = boolean_of(jwt, "required", true);
  if (const Json* keys = find(spec, "apiKeys"))
    read_api_keys(context, object, *keys, Place(place, "apiKeys"), *out);
  if (const Json* urls = find(spec, "signedUrls"))
    out->signed_urls = signed_urls_of(context, object, *urls, Place(place, "signedUrls"));
  if (const Json* external = find(spec, "externalAuthorization"))
    read_external(context, upstreams, object, *external, Place(place, "externalAuthorization"),
                  *out);
  return out;
}

}  // namespace headgate::config
