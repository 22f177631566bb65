#include "roles/proxy/shared_connections.h"

#include <algorithm>
#include <utility>

namespace headgate::proxy {

SharedConnections::SharedConnections(const model::Upstream& definition)
    : limit_(static_cast<std::int64_t>(definition.limits.connections_max)),
      idle_timeout_(definition.idle_timeout),
      transferable_(definition.send_proxy_protocol == model::ProxyProtocol::kNone) {}

std::shared_ptr<SharedConnections::Member> SharedConnections::join(SpareTaker& taker,
                                                                   io::Mailbox& mailbox) {
  auto member = std::make_shared<Member>(Member{&taker, mailbox});
  const std::lock_guard lock(mutex_);
  members_.push_back(member);
  return member;
}

void SharedConnections::leave(const std::shared_ptr<Member>& member) {
  member->taker = nullptr;
  const std::lock_guard lock(mutex_);
  std::erase(members_, member);
  std::erase_if(wants_, [&](const Want& want) { return want.member == member; });
  wants_changed();
}

bool SharedConnections::take_place() { return !wanted() && claim_place(); }

bool SharedConnections::claim_place() {
  std::int64_t now = count_.load();
  while (now < limit_)
    if (count_.compare_exchange_weak(now, now + 1)) return true;
  return false;
}

// First the count, then the look at wants; who files a want does it the other way round. So one of
// the two sees the other.
void SharedConnections::leave_place() {
  count_.fetch_sub(1);
  if (wanted_.load() == 0) return;
  const std::lock_guard lock(mutex_);
  match();
}

void SharedConnections::want(Want want) {
  const std::lock_guard lock(mutex_);
  const bool first = wants_.empty();
  const std::shared_ptr<Member> member = want.member;
  wants_.push_back(std::move(want));
  wants_changed();
  match();
  if (first && !wants_.empty()) call_all(*member);
}

bool SharedConnections::withdraw(const Member& member, const Endpoint& endpoint) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(wants_.rbegin(), wants_.rend(), [&](const Want& want) {
    return want.member.get() == &member && want.endpoint.get() == &endpoint;
  });
  if (found == wants_.rend()) return false;
  wants_.erase(std::next(found).base());
  wants_changed();
  return true;
}

SharedConnections::Claim SharedConnections::claim(const Member& holder, const Endpoint& endpoint) {
  const std::lock_guard lock(mutex_);
  if (wants_.empty()) return {};
  const Want& oldest = wants_.front();
  const bool own = oldest.member.get() == &holder;
  if (oldest.endpoint.get() != &endpoint || (!own && !transferable_))
    return {Claim::By::kOtherEndpoint};
  return {own ? Claim::By::kItself : Claim::By::kOther, pop_oldest()};
}

void SharedConnections::pass_on(Want want, Spare spare) {
  const std::lock_guard lock(mutex_);
  if (deliver(want, std::move(spare))) return;
  wants_.push_front(std::move(want));
  wants_changed();
}

bool SharedConnections::overdue(const Member& member, Instant then) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(wants_.begin(), wants_.end(), [&](const Want& want) {
    return want.since < then && want.member.get() != &member;
  });
}

void SharedConnections::retry() {
  const std::lock_guard lock(mutex_);
  match();
  if (call_missed_ && !wants_.empty()) call_all(*wants_.front().member);
}

// With the lock. The oldest want gets what is there, then the next.
void SharedConnections::match() {
  while (!wants_.empty()) {
    Spare spare;
    if (!find_spare(wants_.front(), spare)) return;
    Want want = pop_oldest();
    if (deliver(want, std::move(spare))) continue;
    wants_.push_front(std::move(want));
    return wants_changed();
  }
}

bool SharedConnections::find_spare(const Want& want, Spare& spare) {
  if (lent_.empty()) return claim_place();
  const auto same = std::find_if(lent_.rbegin(), lent_.rend(), [&](const Lent& lent) {
    return lent.endpoint == want.endpoint && want.since - lent.since < idle_timeout_;
  });
  const bool found = same != lent_.rend();
  const auto taken = found ? std::next(same).base() : lent_.begin();
  if (found) spare = std::move(taken->spare);
  lent_.erase(taken);
  lent_changed();
  return true;
}

// With the lock, although the mailbox has its own: a grant leaves before anything else is decided.
// False: it is full; the connection is closed, and its place free.
bool SharedConnections::deliver(const Want& want, Spare spare) {
  auto task = [self = shared_from_this(), member = want.member, endpoint = want.endpoint,
               given = std::move(spare)]() mutable {
    if (member->taker) return member->taker->take(*endpoint, std::move(given));
    given.stream.close();
    self->leave_place();
  };
  if (want.member->mailbox.post(std::move(task))) return true;
  count_.fetch_sub(1);
  return false;
}

SharedConnections::Want SharedConnections::pop_oldest() {
  Want want = std::move(wants_.front());
  wants_.pop_front();
  wants_changed();
  return want;
}

void SharedConnections::call_all(const Member& except) {
  call_missed_ = false;
  for (const auto& member : members_) {
    if (member.get() == &except) continue;
    const bool called = member->mailbox.post([member] {
      if (member->taker) member->taker->give_idle();
    });
    call_missed_ = call_missed_ || !called;
  }
}

void SharedConnections::wants_changed() { wanted_.store(wants_.size()); }

void SharedConnections::lent_changed() {
  lent_count_.store(lent_.size(), std::memory_order_relaxed);
}

void SharedConnections::lend(std::shared_ptr<const Endpoint> endpoint, Spare spare, Instant now) {
  const std::lock_guard lock(mutex_);
  if (!lends_ || lent_.size() >= kLentMax) {
    spare.stream.close();
    count_.fetch_sub(1);
  } else {
    lent_.push_back({std::move(endpoint), std::move(spare), now});
    lent_changed();
  }
  match();
}

std::optional<Spare> SharedConnections::borrow(const Endpoint& endpoint, Instant now) {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = lent_.size(); i-- > 0;) {
    if (lent_[i].endpoint.get() != &endpoint || now - lent_[i].since >= idle_timeout_) continue;
    Spare found = std::move(lent_[i].spare);
    lent_.erase(lent_.begin() + static_cast<std::ptrdiff_t>(i));
    lent_changed();
    return found;
  }
  return std::nullopt;
}

void SharedConnections::expire_lent(Instant now) {
  const std::lock_guard lock(mutex_);
  const auto gone =
      std::erase_if(lent_, [&](const Lent& lent) { return now - lent.since >= idle_timeout_; });
  count_.fetch_sub(static_cast<std::int64_t>(gone));
  lent_changed();
  match();
}

void SharedConnections::drop_lent() {
  const std::lock_guard lock(mutex_);
  lends_ = false;
  const std::size_t dropped = lent_.size();
  lent_.clear();
  count_.fetch_sub(static_cast<std::int64_t>(dropped));
  lent_changed();
  match();
}

}  // namespace headgate::proxy
