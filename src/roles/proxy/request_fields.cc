// What the origin is sent: the client's fields without those of the hop, plus who the client is, where it came from, and the
// edits of the route.
#include "base/ascii.h"
#include "decide/route/rewrite.h"
#include "roles/proxy/exchange.h"
#include "wire/forwarded/forwarded.h"
#include "wire/http/connection_options.h"
#include "wire/traceparent/traceparent.h"

namespace headgate::proxy {

namespace http = wire::http;
using http::FieldId;
using namespace std::string_view_literals;

namespace {

// Fields that tell where a request came from: believed from trusted proxies alone, else written anew.
constexpr bool is_forwarding(FieldId id) {
  return id == FieldId::kForwarded || id == FieldId::kXForwardedFor || id == FieldId::kXForwardedHost ||
         id == FieldId::kXForwardedPort || id == FieldId::kXForwardedProto;
}

// Where proxies made a list of it, the first one met the client.
std::optional<std::string_view> scheme_named_by(const http::Field& proto) {
  const std::string_view first = trim_ows(proto.value.substr(0, proto.value.find(',')));
  for (const std::string_view scheme : {"http"sv, "https"sv})
    if (equals_ignore_case(first, scheme)) return scheme;
  return std::nullopt;
}

}  // namespace

// The client is the peer, or, behind trusted proxies, the first address from the right that is not one of them.
Exchange::Verdict Exchange::identify() {
  const wire::forwarded::AnyOf trusted{port_->settings.trusted_proxies};
  if (trusted.prefixes.empty() || !trusted(facts_->peer.address)) return Verdict::kNext;
  peer_trusted_ = true;
  std::vector<std::string_view> values;
  for (const http::Field& field : head_.fields)
    if (field.id == FieldId::kXForwardedFor) values.push_back(field.value);
  client_address_ = wire::forwarded::client_address(wire::forwarded::XForwardedFor(values), facts_->peer.address, trusted);
  client_text_ = arena_.copy(wire::ip::to_string(client_address_));
  if (const http::Field* proto = http::find(head_.fields, FieldId::kXForwardedProto))
    client_scheme_ = scheme_named_by(*proto).value_or(client_scheme_);
  return Verdict::kNext;
}

void Exchange::build_request_fields() {
  out_.method = head_.method;
  out_.method_text = head_.method_text;
  out_.scheme = head_.scheme;
  out_.authority = head_.authority;
  out_.protocol = head_.protocol;
  out_.te_trailers = head_.te_trailers;
  out_.framing = head_.framing;
  if (out_.framing.kind == http::Framing::Kind::kStream) {
    // A body that came while a stage waited still needs its framing.
    const bool none = request_done_ && body_.empty() && !has_trailers_;
    out_.framing.kind = none                       ? http::Framing::Kind::kNone
                        : head_.framing.has_length ? http::Framing::Kind::kLength
                                                   : http::Framing::Kind::kChunked;
  }
  out_.fields.clear();
  for (const http::Field& field : head_.fields) {
    if (http::is_hop_by_hop(field.id) || field.id == FieldId::kContentLength || is_forwarding(field.id)) continue;
    if (head_.names_in_connection && http::is_removed_by_connection(head_.fields, field)) continue;
    if (caches_ && turn_->withholds(field)) continue;
    out_.fields.push_back(field);
  }
  if (head_.te_trailers) http::add(out_.fields, {"te", "trailers", FieldId::kTe});
  add_client_fields(out_.fields);
  if (const model::CacheShield* shield = caches_ ? turn_->shield() : nullptr) return address_to_parent(*shield);
  const model::Filters& rule = rule_->filters;
  apply_edits(out_.fields, rule.request_headers);
  apply_edits(out_.fields, backend_->filters.request_headers);
  if (access_) access_->add_request_fields(out_.fields, arena_);
  const auto& rewrite = backend_->filters.rewrite ? backend_->filters.rewrite : rule.rewrite;
  if (!rewrite && !path_.normalised && head_.target.front() == '/') {
    out_.target = head_.target;
    return;
  }
  if (rewrite) {
    if (!rewrite->hostname.empty()) out_.authority = rewrite->hostname;
    target_text_ = decide::route::rewritten_target(*rewrite, path_.path, path_.query, path_.has_query, prefix_bytes_);
    out_.target = target_text_;
    return;
  }
  out_.target = path_.has_query ? arena_.concat({path_.path, "?", path_.query}) : path_.path;
}

// A parent edge is asked for what the client asked for: what the rule changes for its backends, the parent changes.
void Exchange::address_to_parent(const model::CacheShield& shield) {
  std::string loop;
  std::erase_if(out_.fields, [&](const http::Field& field) {
    if (!equals_ignore_case(field.name, "cdn-loop")) return false;
    loop.append(field.value).append(", ");
    return true;
  });
  append_loop_member(loop, shield.pseudonym, turn_->instance());
  http::add(out_.fields, {"cdn-loop", arena_.copy(loop), FieldId::kOther});
  // It checks who may come in by the query as it was signed, and makes the key of its own entry.
  if (const auto query = access_ ? access_->query_with_credentials() : std::nullopt) {
    out_.target = arena_.concat({path_.path, "?", *query});
    return;
  }
  out_.target = path_.has_query ? arena_.concat({path_.path, "?", path_.query}) : path_.path;
}

// Where the request came from. A trusted peer's own statement is kept and extended; anybody else's is replaced, and so is, in
// a request of the cache, what its key does not hold.
void Exchange::add_client_fields(http::Fields& out) {
  const auto kept = [&](FieldId id) -> const http::Field* {
    const http::Field* field = peer_trusted_ ? http::find(head_.fields, id) : nullptr;
    return field && caches_ && turn_->withholds(*field) ? nullptr : field;
  };
  const std::string_view peer = facts_->peer_text;
  if (peer_trusted_) {
    std::string_view list;
    for (const http::Field& field : head_.fields) {
      if (field.id == FieldId::kXForwardedFor) list = list.empty() ? field.value : arena_.concat({list, ", ", field.value});
    }
    http::add(out, {"x-forwarded-for", list.empty() ? peer : arena_.concat({list, ", ", peer}), FieldId::kXForwardedFor});
  } else {
    http::add(out, {"x-forwarded-for", peer, FieldId::kXForwardedFor});
  }
  const http::Field* proto = kept(FieldId::kXForwardedProto);
  http::add(out, {"x-forwarded-proto", proto ? proto->value : client_scheme_, FieldId::kXForwardedProto});
  const http::Field* host = kept(FieldId::kXForwardedHost);
  http::add(out, {"x-forwarded-host", host ? host->value : head_.authority, FieldId::kXForwardedHost});
  if (const http::Field* forwarded = kept(FieldId::kForwarded)) {
    std::string value;
    wire::forwarded::append_forwarded(value, forwarded->value, {.client = facts_->peer.address});
    http::add(out, {"forwarded", arena_.copy(value), FieldId::kForwarded});
  }
  add_via(out, head_.version);
  add_trace(out);
}

void Exchange::add_via(http::Fields& out, http::Version received) {
  if (traffic_->via.empty()) return;
  const std::string_view version = received == http::Version::k2 ? "2 "sv : received == http::Version::k10 ? "1.0 "sv : "1.1 "sv;
  for (http::Field& field : out) {
    if (field.id != FieldId::kVia) continue;
    field.value = arena_.concat({field.value, ", ", version, traffic_->via});
    return;
  }
  http::add(out, {"via", arena_.concat({version, traffic_->via}), FieldId::kVia});
}

// Continues the client's trace or begins one; the request id is the client's, else the trace id.
void Exchange::add_trace(http::Fields& out) {
  namespace trace = wire::traceparent;
  http::Field* parent = nullptr;
  http::Field* id = nullptr;
  bool has_state = false;
  for (http::Field& field : out) {
    has_state = has_state || field.id == FieldId::kTracestate;
    if (field.id == FieldId::kTraceparent) parent = &field;
    if (field.id == FieldId::kXRequestId) id = &field;
  }
  const auto parsed = parent ? trace::parse(parent->value) : std::nullopt;
  Prng& prng = worker_.prng;
  const trace::Traceparent span =
      parsed ? trace::child_of(*parsed, prng.next()) : trace::new_trace(prng.next(), prng.next(), prng.next(), false);
  trace_text_.clear();
  trace::append_to(trace_text_, span);
  const std::string_view value = trace_text_;
  trace_id_ = value.substr(3, 32);
  request_id_ = id ? id->value : trace_id_;
  if (parent) parent->value = value;
  else http::add(out, {"traceparent", value, FieldId::kTraceparent});
  if (!id) http::add(out, {"x-request-id", request_id_, FieldId::kXRequestId});
  if (!parsed && has_state) std::erase_if(out, [](const http::Field& f) { return f.id == FieldId::kTracestate; });
}

void Exchange::apply_edits(http::Fields& fields, const std::vector<model::HeaderEdit>& edits) {
  using Kind = model::HeaderEdit::Kind;
  for (const model::HeaderEdit& edit : edits) {
    const auto same = [&](const http::Field& f) {
      return edit.id != FieldId::kOther ? f.id == edit.id : f.id == FieldId::kOther && equals_ignore_case(f.name, edit.name);
    };
    if (edit.kind != Kind::kAdd) std::erase_if(fields, same);
    if (edit.kind != Kind::kRemove) fields.push_back({edit.name, edit.value, edit.id});
  }
}

}  // namespace headgate::proxy
