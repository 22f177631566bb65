#include "store/memory/lead.h"

#include "store/memory/store.h"

namespace headgate::store::memory {
namespace {
Status check(const Draft& draft) {
  if (draft.head.size() > kHeadBytesMax)
    return fail(Code::kExhausted, "a stored head of more than 128 KiB", Source::kOrigin);
  if (draft.selector.size() > kSelectorBytesMax)
    return fail(Code::kExhausted, "a variant selector of more than 16 KiB", Source::kOrigin);
  if (draft.labels.size() > kLabelsMax)
    return fail(Code::kExhausted, "an object with more than 256 labels", Source::kOrigin);
  for (const std::string_view label : draft.labels)
    if (label.size() > kLabelBytesMax)
      return fail(Code::kExhausted, "a label of more than 1024 bytes", Source::kOrigin);
  return {};
}
}  // namespace

Lead& Lead::operator=(Lead&& other) noexcept {
  abandon();
  store_ = other.store_;
  shard_ = other.shard_;
  flight_ = std::move(other.flight_);
  return *this;
}

void Lead::abandon() {
  if (flight_) shard_->hand_over(*flight_);
  flight_ = {};
}

Result<Fill> Lead::fill(const Draft& draft) {
  if (Status fits = check(draft); !fits) return std::unexpected(std::move(fits.error()));
  Ref<Object> object =
      Object::create(store_->budget(), draft, Body::create(store_->budget(), draft.body_bytes));
  shard_->arrive(*flight_, object, draft.labels, nullptr);
  flight_ = {};
  store_->make_room();
  return Fill(*store_, *shard_, std::move(object));
}

Result<Ref<Object>> Lead::freshen(const Ref<Object>& stored, const Draft& draft) {
  HG_CHECK(stored->body()->state() == BodyState::kComplete, "only a complete object is freshened");
  if (Status fits = check(draft); !fits) return std::unexpected(std::move(fits.error()));
  Ref<Object> object = Object::create(store_->budget(), draft, stored->body());
  shard_->arrive(*flight_, object, draft.labels, stored.get());
  flight_ = {};
  store_->make_room();
  return object;
}

void Lead::pass(Instant until) {
  shard_->pass(*flight_, until);
  flight_ = {};
}

Waiter& Waiter::operator=(Waiter&& other) noexcept {
  leave();
  store_ = other.store_;
  shard_ = other.shard_;
  flight_ = std::move(other.flight_);
  wakeup_ = std::move(other.wakeup_);
  return *this;
}

void Waiter::leave() {
  if (flight_) shard_->leave(*flight_, wakeup_->waker());
  flight_ = {};
}

Waiter::Answer Waiter::poll() {
  switch (shard_->ask(*flight_, wakeup_->waker())) {
    case Shard::Told::kWait: return Wait{};
    case Shard::Told::kFound: return flight_->found;
    case Shard::Told::kLead: return Lead(*store_, *shard_, flight_);
    case Shard::Told::kPass: break;
  }
  return Pass{};
}

}  // namespace headgate::store::memory
