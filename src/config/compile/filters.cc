#include "config/compile/filters.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/ascii.h"
#include "config/limits.h"
#include "config/value.h"

namespace headgate::config {
namespace {

constexpr std::int64_t kRegexMemoryBytesMax = 1 << 20;

std::string without_trailing_slash(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return std::string(path);
}

bool set_regex(const Context& context, std::string_view expression, const Place& place,
               model::Regex& out) {
  auto regex = compile_regex(expression);
  if (!regex) {
    context.fault(place, regex.error().message);
    return false;
  }
  out = std::move(*regex);
  return true;
}

bool read_path(const Context& context, const Json& value, const Place& place,
               model::PathMatch& out) {
  using Kind = model::PathMatch::Kind;
  const std::string_view type = text_of(value, "type", "PathPrefix"),
                         text = text_of(value, "value", "/");
  out.kind = type == "Exact"               ? Kind::kExact
             : type == "RegularExpression" ? Kind::kRegex
                                           : Kind::kPrefix;
  out.value = out.kind == Kind::kPrefix ? without_trailing_slash(text) : std::string(text);
  return out.kind != Kind::kRegex || set_regex(context, text, Place(place, "value"), out.regex);
}

bool read_values(const Context& context, const Json& list, bool header, const Place& place,
                 std::vector<model::NameValueMatch>& out) {
  bool good = true;
  for (std::size_t i = 0; i < list.size(); ++i) {
    model::NameValueMatch one;
    const std::string_view name = text_of(list[i], "name");
    one.name = header ? to_lower(name) : std::string(name);
    if (header) one.id = wire::http::field_id(one.name);
    one.value = text_of(list[i], "value");
    if (text_of(list[i], "type") == "RegularExpression") {
      const Place here(place, i);
      good &= set_regex(context, one.value, Place(here, "value"), one.regex);
    }
    // The specification lets the first of equal names decide.
    bool repeated = false;
    for (const auto& before : out) repeated |= before.name == one.name;
    if (!repeated) out.push_back(std::move(one));
  }
  return good;
}

model::HeaderEdit edit_of(model::HeaderEdit::Kind kind, std::string_view name,
                          std::string_view value) {
  std::string lower = to_lower(name);
  const auto id = wire::http::field_id(lower);
  return {kind, std::move(lower), id, std::string(value)};
}

void read_edits(const Json& value, std::vector<model::HeaderEdit>& out) {
  using Kind = model::HeaderEdit::Kind;
  for (const Json& one : items(value, "set"))
    out.push_back(edit_of(Kind::kSet, text_of(one, "name"), text_of(one, "value")));
  for (const Json& one : items(value, "add"))
    out.push_back(edit_of(Kind::kAdd, text_of(one, "name"), text_of(one, "value")));
  for (const Json& one : items(value, "remove"))
    out.push_back(edit_of(Kind::kRemove, one.get_ref<const std::string&>(), {}));
}

model::PathModifier modifier_of(const Json& value) {
  using Kind = model::PathModifier::Kind;
  const std::string_view type = text_of(value, "type");
  if (type == "ReplaceFullPath")
    return {Kind::kReplaceFullPath, std::string(text_of(value, "replaceFullPath"))};
  if (type == "ReplacePrefixMatch")
    return {Kind::kReplacePrefixMatch, std::string(text_of(value, "replacePrefixMatch"))};
  return {};
}

model::Redirect redirect_of(const Json& value) {
  model::Redirect out;
  out.scheme = text_of(value, "scheme");
  out.hostname = text_of(value, "hostname");
  out.path = modifier_of(at(value, "path"));
  if (find(value, "port")) out.port = whole_of<std::uint16_t>(value, "port");
  out.status = whole_of<std::uint16_t>(value, "statusCode");
  return out;
}

model::Cors cors_of(const Json& value) {
  model::Cors out;
  out.allow_origins = texts_of(value, "allowOrigins");
  out.allow_credentials = boolean_of(value, "allowCredentials");
  out.allow_methods = texts_of(value, "allowMethods");
  out.allow_headers = texts_of(value, "allowHeaders");
  out.expose_headers = texts_of(value, "exposeHeaders");
  out.max_age_seconds = whole_of<std::uint32_t>(value, "maxAge");
  return out;
}

// A mirror whose backend does not resolve copies nothing; the request itself is served.
void read_mirror(const Context& context, const Upstreams& upstreams, const Object& route,
                 const Json& value, const Place& place, std::vector<Fault>& faults,
                 std::vector<model::Mirror>& out) {
  model::Mirror mirror;
  const auto found = upstreams.find(route, at(value, "backendRef"));
  if (found.index == model::Backend::kInvalid) {
    const Place reference(place, "backendRef");
    context.fault(Place(reference, "name"), found.fault);
    return faults.push_back(found.fault);
  }
  mirror.upstream = found.index;
  if (find(value, "percent")) mirror.numerator = whole_of<std::uint32_t>(value, "percent");
  if (const Json* fraction = find(value, "fraction")) {
    mirror.numerator = whole_of<std::uint32_t>(*fraction, "numerator");
    mirror.denominator = whole_of<std::uint32_t>(*fraction, "denominator", 100);
  }
  out.push_back(mirror);
}

}  // namespace

Result<model::Regex> compile_regex(std::string_view expression) {
  if (expression.size() > kRegexBytesMax)
    return fail(Code::kInvalid, fmt::format("expected an expression of at most {} bytes, got {}",
                                            kRegexBytesMax, expression.size()));
  RE2::Options options;
  options.set_log_errors(false);
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_max_mem(kRegexMemoryBytesMax);
  options.set_never_capture(true);
  auto regex =
      std::make_shared<RE2>(re2::StringPiece(expression.data(), expression.size()), options);
  if (!regex->ok())
    return fail(Code::kInvalid, fmt::format("expected an expression of RE2, got '{}': {}",
                                            expression, regex->error()));
  if (regex->ProgramSize() > kRegexProgramMax)
    return fail(Code::kInvalid,
                fmt::format("expected an expression of at most {} instructions, got {}",
                            kRegexProgramMax, regex->ProgramSize()));
  return model::Regex(std::move(regex));
}

std::optional<model::Match> http_match_of(const Context& context, const Json& value,
                                          const Place& place) {
  model::Match out;
  bool good = read_path(context, at(value, "path"), Place(place, "path"), out.path);
  out.method = text_of(value, "method");
  good &= read_values(context, items(value, "headers"), true, Place(place, "headers"), out.headers);
  good &= read_values(context, items(value, "queryParams"), false, Place(place, "queryParams"),
                      out.query);
  if (!good) return std::nullopt;
  return out;
}

// A call is POST /service/method, so service and method become a path.
std::optional<model::Match> grpc_match_of(const Context& context, const Json& value,
                                          const Place& place) {
  using PathKind = model::PathMatch::Kind;
  model::Match out;
  const Json& method = at(value, "method");
  const std::string_view service = text_of(method, "service"), name = text_of(method, "method");
  const bool exact = text_of(method, "type", "Exact") == "Exact";
  bool good = true;
  if (exact && !service.empty() && !name.empty()) {
    out.path = {PathKind::kExact, fmt::format("/{}/{}", service, name), nullptr};
  } else if (exact && !service.empty()) {
    out.path = {PathKind::kPrefix, fmt::format("/{}", service), nullptr};
  } else if (!service.empty() || !name.empty()) {
    out.path.kind = PathKind::kRegex;
    out.path.value = fmt::format("/(?:{})/(?:{})", service.empty() ? "[^/]+" : service,
                                 name.empty() ? "[^/]+" : name);
    // Each by itself first: a bracket that one closes and the other opens would match far more.
    const Place here(place, "method");
    good = set_regex(context, service, Place(here, "service"), out.path.regex) &&
           set_regex(context, name, Place(here, "method"), out.path.regex) &&
           set_regex(context, out.path.value, here, out.path.regex);
  }
  good &= read_values(context, items(value, "headers"), true, Place(place, "headers"), out.headers);
  if (!good) return std::nullopt;
  return out;
}

model::Filters filters_of(const Context& context, const Upstreams& upstreams, const Object& route,
                          const Json& list, const Place& place, std::vector<Fault>& faults) {
  model::Filters out;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Json& filter = list[i];
    const std::string_view type = text_of(filter, "type");
    if (type == "RequestHeaderModifier")
      read_edits(at(filter, "requestHeaderModifier"), out.request_headers);
    if (type == "ResponseHeaderModifier")
      read_edits(at(filter, "responseHeaderModifier"), out.response_headers);
    if (type == "RequestRedirect") out.redirect = redirect_of(at(filter, "requestRedirect"));
    if (type == "CORS") out.cors = cors_of(at(filter, "cors"));
    if (type == "URLRewrite") {
      const Json& rewrite = at(filter, "urlRewrite");
      out.rewrite = model::Rewrite{std::string(text_of(rewrite, "hostname")),
                                   modifier_of(at(rewrite, "path"))};
    }
    if (type == "RequestMirror") {
      const Place here(place, i);
      read_mirror(context, upstreams, route, at(filter, "requestMirror"),
                  Place(here, "requestMirror"), faults, out.mirrors);
    }
  }
  return out;
}

}  // namespace headgate::config
