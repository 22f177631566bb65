// Exchanges that work for the cache alone: a validation or a slice fetched beside what a client is served, and a fetch whose
// client has what it wanted, or went.
#include "roles/proxy/access_log.h"
#include "roles/proxy/cache/no_client.h"
#include "roles/proxy/exchange.h"

namespace headgate::proxy {

namespace http = wire::http;

// The same request to the origin, validating what is served meanwhile; nobody reads its answer.
void Exchange::validate_beside() {
  auto lead = turn_->claim_validation();
  if (!lead) return;
  Exchange& beside = worker_.exchanges.take();
  beside.stand_in_for(*this);
  beside.turn_->begin_validation(*turn_, std::move(*lead));
  beside.forward();
}

void Exchange::fetch_slice(store::memory::Lead lead, std::uint32_t slice) {
  Exchange& beside = worker_.exchanges.take();
  beside.stand_in_for(*this);
  beside.drop_conditions();
  const CacheTurn::Next next = beside.turn_->begin_slice(*turn_, std::move(lead), slice);
  beside.turn_->add_range(beside.condition_text_, beside.out_.fields);
  beside.phase_ = Phase::kStages;
  if (beside.act_on(next) == Verdict::kNext) beside.forward();
}

// The request of `client` as a GET of nobody's.
void Exchange::stand_in_for(Exchange& client) {
  client.request_as_sent();
  no_client_ = std::make_unique<NoClient>(*client.facts_);
  head_.framing = {};
  adopt(no_client_->facts(), *no_client_);
  is_logged_ = caches_ = request_built_ = true;
  world_ = client.world_;
  port_ = client.port_;
  listener_ = client.listener_;
  rule_ = client.rule_;
  backend_ = client.backend_;
  traffic_ = client.traffic_;
  rule_stats_ = client.rule_stats_;
  prefix_bytes_ = client.prefix_bytes_;
  const auto copy = [this](const http::RequestHead& from, http::RequestHead& to) {
    to = from;
    for (std::string_view* text : {&to.scheme, &to.authority, &to.host, &to.target}) *text = arena_.copy(*text);
    to.method = http::Method::kGet;
    to.method_text = "GET";
    to.protocol = {};
    to.framing = {};
    for (http::Field& field : to.fields) field = {arena_.copy(field.name), arena_.copy(field.value), field.id};
  };
  copy(client.head_, head_);
  copy(client.out_, out_);
  path_ = {arena_.copy(client.path_.path), arena_.copy(client.path_.query), client.path_.has_query, true};
  host_ = arena_.copy(client.host_);
  client_text_ = facts_->peer_text;
  client_scheme_ = client.client_scheme_;
  if (!turn_) turn_ = std::make_unique<CacheTurn>(*this, worker_.cache);
  if (traffic_->timeouts.request > Duration::zero()) worker_.loop.arm(total_timer_, traffic_->timeouts.request);
}

// The client has what it wanted, or went: the origin's answer goes on into the cache. False: there is no such answer.
bool Exchange::leave_to_cache() {
  if (!caches_ || no_client_ || !turn_->is_filling()) return false;
  turn_->reply().close();
  if (turn_->is_passing() && !turn_->is_read_by_others()) return false;
  worker_.access_log.record(*this, rule_stats_);
  is_logged_ = true;
  filter_.reset();
  Downstream& client = *downstream_;
  no_client_ = std::make_unique<NoClient>(*facts_);
  facts_ = &no_client_->facts();
  client_text_ = arena_.copy(client_text_);
  downstream_ = no_client_.get();
  client.exchange_done();
  return true;
}

}  // namespace headgate::proxy
