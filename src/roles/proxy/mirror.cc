#include "roles/proxy/mirror.h"

#include <utility>

#include "roles/proxy/exchange.h"

namespace headgate::proxy {

namespace http = wire::http;

namespace {

http::Fields copy_of(const http::Fields& fields, Arena& arena) {
  http::Fields out;
  out.reserve(fields.size());
  for (const http::Field& field : fields) out.push_back({arena.copy(field.name), arena.copy(field.value), field.id});
  return out;
}

http::RequestHead copy_of(const http::RequestHead& head, Arena& arena) {
  http::RequestHead out = head;
  out.method_text = arena.copy(head.method_text);
  out.scheme = arena.copy(head.scheme);
  out.authority = arena.copy(head.authority);
  out.target = arena.copy(head.target);
  out.protocol = {};
  out.fields = copy_of(head.fields, arena);
  return out;
}

bool is_sampled(const model::Mirror& mirror, Prng& prng) {
  return mirror.numerator >= mirror.denominator || prng.below(mirror.denominator) < mirror.numerator;
}

}  // namespace

MirrorRequest::~MirrorRequest() {
  if (feed_) feed_->forget(*this);
}

void MirrorRequest::begin(const Exchange& exchange, const http::RequestHead& head, bool body_follows,
                          std::shared_ptr<const WorkerSnapshot> world, std::uint32_t upstream, MirrorFeed& feed) {
  head_ = copy_of(head, arena_);
  body_done_ = !body_follows;
  feed_ = &feed;
  feed.add(*this);
  start(exchange, {std::move(world), upstream}, kMirrorTimeout, !http::is_idempotent(head.method));
}

void MirrorRequest::call_ready(OriginStream& stream) {
  stats().mirrors.add();
  const bool end = body_done_ && body_.empty() && trailers_.empty();
  head_.version = http::Version::k11;
  stream.send_head(head_, end);
  if (end) return;
  if (!body_.empty() || (body_done_ && trailers_.empty())) stream.send_body(body_, body_done_ && trailers_.empty());
  if (!trailers_.empty()) stream.send_trailers(trailers_);
  stream.flush();
  std::string().swap(body_);
}

void MirrorRequest::on_body(std::string_view bytes, bool end) {
  body_done_ = body_done_ || end;
  if (!stream()) {
    if (body_.size() + bytes.size() > kMirrorBufferBytesMax) return give_up();
    body_.append(bytes);
    return;
  }
  stream()->send_body(bytes, end);
  if (stream() && stream()->buffered_bytes() > kMirrorBufferBytesMax) give_up();
}

void MirrorRequest::on_trailers(const http::Fields& fields) {
  body_done_ = true;
  if (stream()) return stream()->send_trailers(fields);
  trailers_ = copy_of(fields, arena_);
}

void MirrorRequest::on_feed_gone() {
  feed_ = nullptr;
  if (!body_done_) give_up();
}

void MirrorRequest::call_body(std::string_view bytes) {
  response_bytes_ += bytes.size();
  if (response_bytes_ <= kMirrorResponseBytesMax || !active()) return;
  cancel();
  retire();
}

void MirrorRequest::call_ended(const OriginFailure* failure) {
  if (failure && !over_) stats().mirror_failures.add();
  retire();
}

void MirrorRequest::give_up() {
  if (over_) return;
  stats().mirror_failures.add();
  cancel();
  retire();
}

void MirrorRequest::retire() {
  if (std::exchange(over_, true)) return;
  if (feed_) std::exchange(feed_, nullptr)->forget(*this);
  store_.retire(*this);
}

MirrorFeed::~MirrorFeed() {
  const std::vector<MirrorRequest*> requests = std::exchange(requests_, {});
  for (MirrorRequest* request : requests) request->on_feed_gone();
}

// From the back: a copy that is given up takes itself off the list.
void MirrorFeed::on_body(std::string_view bytes, bool end) {
  for (std::size_t i = requests_.size(); i-- > 0;) requests_[i]->on_body(bytes, end);
}

void MirrorFeed::on_trailers(const http::Fields& fields) {
  for (std::size_t i = requests_.size(); i-- > 0;) requests_[i]->on_trailers(fields);
}

MirrorStore::MirrorStore(WorkerContext& worker)
    : worker_(worker), sweep_([](void* self) { static_cast<MirrorStore*>(self)->ended_.clear(); }, this) {}

MirrorStore::~MirrorStore() { clear(); }

MirrorRequest* MirrorStore::make() {
  if (live_count_ >= kMirrorsMax) return nullptr;
  auto request = std::make_unique<MirrorRequest>(worker_, *this);
  live_.push_back(*request);
  ++live_count_;
  return request.release();  // owned by the live list until retire()
}

void MirrorStore::retire(MirrorRequest& request) {
  request.ListNode<MirrorTag>::unlink();
  --live_count_;
  ended_.emplace_back(&request);
  worker_.loop.defer(sweep_);
}

void MirrorStore::clear() {
  while (!live_.empty()) retire(live_.front());
  ended_.clear();
}

// Tunnels have no copy: their bytes mean something in both directions or not at all.
void Exchange::start_mirrors() {
  const auto& of_rule = rule_->filters.mirrors;
  const auto& of_backend = backend_->filters.mirrors;
  if ((of_rule.empty() && of_backend.empty()) || !out_.protocol.empty()) return;
  for (const auto* list : {&of_rule, &of_backend})
    for (const model::Mirror& mirror : *list)
      if (is_sampled(mirror, worker_.prng)) start_mirror(mirror.upstream);
  if (!mirrors_) return;
  if (!body_.empty() || (request_done_ && body_expected_)) mirrors_->on_body(body_, request_done_ && !has_trailers_);
  if (has_trailers_) mirrors_->on_trailers(trailers_);
}

void Exchange::start_mirror(std::uint32_t upstream) {
  if (upstream >= world_->pools.size()) return;
  MirrorRequest* request = worker_.mirrors.make();
  if (!request) return world_->pools[upstream]->stats().mirror_failures.add();
  if (!mirrors_) mirrors_ = std::make_unique<MirrorFeed>();
  request->begin(*this, out_, body_expected_, world_, upstream, *mirrors_);
}

}  // namespace headgate::proxy
