#include "roles/proxy/upstream_keeper.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <unordered_set>

#include "io/entropy.h"

namespace headgate::proxy {

namespace {

constexpr Duration kTickEvery = 1s;

std::string name_of(const ResolvedAddress& address) {
  return address.address.unix_path.empty() ? wire::ip::to_string(address.address.endpoint)
                                           : "unix:" + address.address.unix_path;
}

auto check_fields(const model::HealthCheck& c) {
  return std::tie(c.kind, c.path, c.host, c.grpc_service, c.port, c.status_min, c.status_max,
                  c.interval, c.timeout, c.healthy_threshold, c.unhealthy_threshold);
}

auto tls_fields(const model::UpstreamTls& t) {
  return std::tie(t.enabled, t.server_name, t.subject_alt_names, t.ca_pem, t.offer_h2,
                  t.client_certificate_pem, t.client_key_pem);
}

// What health means is the same for both: their checkers may share an endpoint without
// contradicting each other.
bool same_checks(const model::Upstream& a, const model::Upstream& b) {
  return std::equal(
             a.health_checks.begin(), a.health_checks.end(), b.health_checks.begin(),
             b.health_checks.end(),
             [](const auto& x, const auto& y) { return check_fields(x) == check_fields(y); }) &&
         a.protocol == b.protocol && a.send_proxy_protocol == b.send_proxy_protocol &&
         tls_fields(a.tls) == tls_fields(b.tls);
}

// The same place in the world of the balancer.
bool same_traits(const Endpoint& a, const Endpoint& b) {
  return a.server_name == b.server_name && a.weight == b.weight && a.priority == b.priority &&
         a.same_locality == b.same_locality;
}

// Of an address that plays another part now, or is judged by other checks. Requests in flight stay
// with the old one.
void copy_history(const Endpoint& from, Endpoint& to, bool with_health) {
  to.since = from.since;
  if (with_health) to.healthy.store(from.healthy.load());
  to.ejected_until_ns.store(from.ejected_until_ns.load());
  to.consecutive_errors.store(from.consecutive_errors.load());
  to.ejections.store(from.ejections.load());
  to.recovered_ns.store(from.recovered_ns.load());
}

}  // namespace

struct UpstreamKeeper::Kept {
  Kept(UpstreamKeeper& keeper, std::shared_ptr<const model::Upstream> d, const Kept* previous)
      : definition(std::move(d)),
        state(std::make_shared<UpstreamState>(definition)),
        adopted_at(keeper.loop_.now()),
        resolver({keeper.loop_, keeper.names_, keeper.prng_, keeper.stats_}, definition,
                 previous ? &previous->resolver : nullptr,
                 [this, &keeper] { keeper.publish(*this); }) {
    if (definition->health_checks.empty()) return;
    checker.emplace(
        HealthChecker::Context{keeper.loop_, keeper.prng_, keeper.stats_, keeper.budget_}, state);
  }

  std::shared_ptr<const model::Upstream> definition;
  std::shared_ptr<UpstreamState> state;
  Instant adopted_at;
  EndpointResolver resolver;
  std::optional<HealthChecker> checker;
};

UpstreamKeeper::UpstreamKeeper(io::Loop& loop, Options options)
    : loop_(loop),
      options_(std::move(options)),
      prng_(io::random_u64()),
      names_(loop, options_.dns_servers),
      last_tick_(loop.now()) {
  loop_.arm(tick_, kTickEvery);
}

UpstreamKeeper::~UpstreamKeeper() = default;

std::shared_ptr<UpstreamState> UpstreamKeeper::adopt(
    std::shared_ptr<const model::Upstream> definition) {
  Versions& versions = kept_[definition->name];
  for (const auto& kept : versions) {
    if (kept->definition->fingerprint == definition->fingerprint) return kept->state;
  }
  const Kept* previous = versions.empty() ? nullptr : versions.back().get();
  versions.push_back(std::make_unique<Kept>(*this, std::move(definition), previous));
  publish(*versions.back());
  return versions.back()->state;
}

void UpstreamKeeper::retain(const std::vector<std::shared_ptr<UpstreamState>>& current) {
  std::unordered_set<const UpstreamState*> wanted;
  for (const auto& state : current) wanted.insert(state.get());
  const auto leaves = [&](const std::unique_ptr<Kept>& kept) {
    if (wanted.contains(kept->state.get())) return false;
    kept->state->connections().drop_lent();
    return true;
  };
  for (auto& [name, versions] : kept_) std::erase_if(versions, leaves);
  std::erase_if(kept_, [](const auto& entry) { return entry.second.empty(); });
}

bool UpstreamKeeper::settled() const {
  for (const auto& [name, versions] : kept_) {
    for (const auto& kept : versions) {
      if (!kept->resolver.settled() && loop_.now() - kept->adopted_at < kSettleMax) return false;
    }
  }
  return true;
}

// Endpoints that an upstream of this name has, by their name.
struct UpstreamKeeper::Known {
  explicit Known(const Kept& k) : kept(k), set(k.state->endpoints()) {
    for (const auto& endpoint : set->endpoints) by_name.emplace(endpoint->name, endpoint);
  }
  std::shared_ptr<Endpoint> find(std::string_view name) const {
    const auto found = by_name.find(name);
    return found == by_name.end() ? nullptr : found->second;
  }
  const Kept& kept;
  std::shared_ptr<const EndpointSet> set;
  std::unordered_map<std::string_view, std::shared_ptr<Endpoint>, StringHash> by_name;
};

void UpstreamKeeper::publish(Kept& kept) {
  const Known own(kept);
  std::vector<Known> others;  // the newest first
  const Versions& versions = kept_.find(kept.definition->name)->second;
  for (auto other = versions.rbegin(); other != versions.rend(); ++other) {
    if (other->get() != &kept) others.emplace_back(**other);
  }
  std::vector<std::shared_ptr<Endpoint>> endpoints;
  std::unordered_set<std::string> names;
  for (const ResolvedAddress& address : kept.resolver.addresses()) {
    if (names.insert(name_of(address)).second)
      endpoints.push_back(find_or_make(address, own, others));
  }
  if (endpoints == own.set->endpoints) return;
  if (!own.set->endpoints.empty()) stats_.endpoint_changes.add();
  if (kept.checker) kept.checker->set_endpoints(endpoints);
  kept.state->publish(std::move(endpoints));
}

std::shared_ptr<Endpoint> UpstreamKeeper::find_or_make(const ResolvedAddress& address,
                                                       const Known& own,
                                                       const std::vector<Known>& others) const {
  auto made = std::make_shared<Endpoint>();
  made->name = name_of(address);
  made->address = address.address;
  if (address.by_name) made->server_name = address.spec->address;
  made->weight = address.spec->weight;
  made->priority = address.spec->priority;
  made->same_locality = options_.locality.empty() || address.spec->locality == options_.locality;
  if (auto found = own.find(made->name)) {  // another name may lead to it now
    if (same_traits(*found, *made)) return found;
    copy_history(*found, *made, true);
    return made;
  }
  const model::Upstream& definition = *own.kept.definition;
  for (const Known& other : others) {
    const auto found = other.find(made->name);
    if (!found) continue;
    if (same_traits(*found, *made) && same_checks(*other.kept.definition, definition)) return found;
    copy_history(*found, *made, !definition.health_checks.empty());
    return made;
  }
  // Beside endpoints that are in use a new one starts slowly; where all are new there is nothing to
  // be slower than.
  const auto in_use = [](const Known& known) { return !known.set->endpoints.empty(); };
  if (in_use(own) || std::any_of(others.begin(), others.end(), in_use)) made->since = loop_.now();
  return made;
}

UpstreamKeeper::Report UpstreamKeeper::report(const UpstreamState& state) const {
  const auto versions = kept_.find(state.definition().name);
  if (versions == kept_.end()) return {};
  for (const auto& kept : versions->second) {
    if (kept->state.get() != &state) continue;
    return {kept->resolver.report(),
            kept->checker ? kept->checker->report() : std::vector<HealthChecker::CheckReport>{}};
  }
  return {};
}

void UpstreamKeeper::tick() {
  Instant next = loop_.now() + kTickEvery;
  for (const auto& [name, versions] : kept_) {
    for (const auto& kept : versions) {
      SharedConnections& connections = kept->state->connections();
      if (connections.may_borrow()) connections.expire_lent(loop_.now());
      release_ejected(*kept->state, next);
    }
  }
  last_tick_ = loop_.now();
  loop_.arm(tick_, next - last_tick_);
}

// Tells workers about ejections that ended since the last tick; `next` becomes the earliest end
// that is still to come.
void UpstreamKeeper::release_ejected(UpstreamState& state, Instant& next) {
  const Instant now = loop_.now();
  const auto set = state.endpoints();
  bool changed = false;
  for (const auto& endpoint : set->endpoints) {
    const Instant until{endpoint->ejected_until_ns.load()};
    if (until > now) {
      next = std::min(next, until);
    } else if (until > last_tick_) {
      endpoint->recovered_ns.store(now.ns);
      changed = true;
    } else if (now - until >= state.definition().outlier.ejection_max &&
               endpoint->ejections.load() != 0) {
      endpoint->ejections.store(0);  // good for that long: the next ejection is a first one again
    }
  }
  if (!changed) return;
  stats_.ejections_ended.add();
  state.health_changed();
}

}  // namespace headgate::proxy
