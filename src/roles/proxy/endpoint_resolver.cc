#include "roles/proxy/endpoint_resolver.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace headgate::proxy {

namespace {

constexpr std::string_view kUnixPrefix = "unix:";
constexpr Duration kRetryFirst = 1s, kRetryMax = 30s;

Duration with_jitter(Duration pause, Prng& prng) {
  return pause + Duration(static_cast<std::int64_t>(
                     prng.below(static_cast<std::uint64_t>(pause.count()) / 10 + 1)));
}

// The floor wins over a ceiling below it.
Duration bounded(Duration pause, const model::Upstream& definition) {
  return std::max({std::min(pause, definition.dns_ttl_max), definition.dns_ttl_min, Duration(1ms)});
}

}  // namespace

std::optional<io::SocketAddress> literal_address(const model::EndpointSpec& spec) {
  const std::string_view text = spec.address;
  if (text.starts_with(kUnixPrefix))
    return io::SocketAddress{{}, std::string(text.substr(kUnixPrefix.size()))};
  const auto ip = wire::ip::parse_ip(text);
  if (!ip) return std::nullopt;
  return io::SocketAddress{{*ip, spec.port}, {}};
}

std::vector<wire::ip::IpAddress> in_order(std::vector<wire::ip::IpAddress> addresses,
                                          std::size_t max) {
  std::sort(addresses.begin(), addresses.end(),
            [](const auto& a, const auto& b) { return a.v6 != b.v6 ? b.v6 : a.bytes < b.bytes; });
  if (addresses.size() > max) addresses.resize(max);
  return addresses;
}

Duration refresh_after(Duration ttl, const model::Upstream& definition, Prng& prng) {
  return with_jitter(bounded(ttl, definition), prng);
}

Duration retry_after(std::uint32_t failures, const model::Upstream& definition, Prng& prng) {
  const Duration pause = std::min(kRetryFirst * (1 << std::min(failures - 1, 5U)), kRetryMax);
  return with_jitter(bounded(pause, definition), prng);
}

NameService::NameService(io::Loop& loop, const std::vector<std::string>& servers) : loop_(loop) {
  for (const std::string& server : servers) {
    if (!options_.servers.empty()) options_.servers += ',';
    options_.servers += server;
  }
}

Result<io::Resolver*> NameService::get() {
  if (!resolver_) {
    auto made = io::Resolver::make(loop_, options_);
    if (!made) return std::unexpected(std::move(made.error()));
    resolver_ = std::move(*made);
  }
  return resolver_.get();
}

// One name and its last good addresses.
struct EndpointResolver::Name {
  Name(EndpointResolver& o, std::string n) : owner(o), name(std::move(n)) {}
  ~Name() {
    if (lookup != 0) resolver->cancel(lookup);
  }
  void look_up();
  void take(Result<io::Answer> answer);
  Duration take_answer(io::Answer& answer);
  Duration take_failure(const std::string& what);
  void keep_what_failed(io::Answer& answer) const;

  EndpointResolver& owner;
  const std::string name;
  std::vector<wire::ip::IpAddress> addresses;  // in order
  std::string problem;
  std::uint32_t failures = 0;  // in a row
  bool had_outcome = false;
  io::Resolver* resolver = nullptr;
  io::Resolver::LookupId lookup = 0;  // 0: none under way
  io::MemberTimer<&Name::look_up> timer{this};
};

void EndpointResolver::Name::look_up() {
  owner.context_.stats.lookups.add();
  auto service = owner.context_.names.get();
  if (!service) return take(std::unexpected(std::move(service.error())));
  resolver = *service;
  lookup = resolver->resolve(name, [this](Result<io::Answer> answer) {
    lookup = 0;
    take(std::move(answer));
  });
}

// The owner may go away in its callback: that comes last.
void EndpointResolver::Name::take(Result<io::Answer> answer) {
  const std::vector<wire::ip::IpAddress> before = addresses;
  const Duration pause = answer ? take_answer(*answer) : take_failure(answer.error().message);
  had_outcome = true;
  owner.context_.loop.arm(timer, pause);
  if (addresses != before) owner.changed_();
}

Duration EndpointResolver::Name::take_answer(io::Answer& answer) {
  const bool complete = !answer.ipv4_failed && !answer.ipv6_failed;
  const bool has_ttl = !answer.addresses.empty();
  if (!complete) keep_what_failed(answer);
  if (answer.addresses.empty()) {
    return take_failure(complete ? "an answer without addresses" : answer.problem);
  }
  if (answer.addresses.size() > kAddressesMax) owner.context_.stats.addresses_over_limit.add();
  addresses = in_order(std::move(answer.addresses), kAddressesMax);
  const Duration refresh = refresh_after(answer.ttl, *owner.definition_, owner.context_.prng);
  if (!complete) {
    const Duration retry = take_failure(answer.problem);
    return has_ttl ? std::min(refresh, retry) : retry;
  }
  problem.clear();
  failures = 0;
  return refresh;
}

void EndpointResolver::Name::keep_what_failed(io::Answer& answer) const {
  for (const wire::ip::IpAddress& known : addresses) {
    if (known.v6 ? answer.ipv6_failed : answer.ipv4_failed) answer.addresses.push_back(known);
  }
}

Duration EndpointResolver::Name::take_failure(const std::string& what) {
  owner.context_.stats.lookup_failures.add();
  problem = what;
  ++failures;
  return retry_after(failures, *owner.definition_, owner.context_.prng);
}

EndpointResolver::EndpointResolver(Context context,
                                   std::shared_ptr<const model::Upstream> definition,
                                   const EndpointResolver* previous, io::Callback<> changed)
    : context_(context), definition_(std::move(definition)), changed_(std::move(changed)) {
  std::unordered_map<std::string_view, Name*> known;
  for (const model::EndpointSpec& spec : definition_->endpoints) {
    Name* name = nullptr;
    if (!literal_address(spec)) {
      Name*& slot = known[spec.address];
      if (!slot) slot = names_.emplace_back(std::make_unique<Name>(*this, spec.address)).get();
      name = slot;
    }
    name_of_endpoint_.push_back(name);
  }
  for (const auto& name : names_) {
    if (const Name* old = previous ? previous->find(name->name) : nullptr;
        old && !old->addresses.empty()) {
      name->addresses = old->addresses;
      name->had_outcome = true;
    }
    context_.loop.arm(name->timer, Duration::zero());
  }
}

EndpointResolver::~EndpointResolver() = default;

const EndpointResolver::Name* EndpointResolver::find(std::string_view name) const {
  const auto found =
      std::find_if(names_.begin(), names_.end(), [&](const auto& n) { return n->name == name; });
  return found == names_.end() ? nullptr : found->get();
}

std::vector<ResolvedAddress> EndpointResolver::addresses() const {
  std::vector<ResolvedAddress> all;
  for (std::size_t i = 0; i < definition_->endpoints.size(); ++i) {
    const model::EndpointSpec& spec = definition_->endpoints[i];
    if (const Name* name = name_of_endpoint_[i]) {
      for (const auto& address : name->addresses)
        all.push_back({&spec, {{address, spec.port}, {}}, true});
    } else {
      all.push_back({&spec, *literal_address(spec), false});
    }
  }
  return all;
}

bool EndpointResolver::settled() const {
  return std::all_of(names_.begin(), names_.end(),
                     [](const auto& name) { return name->had_outcome; });
}

std::vector<EndpointResolver::NameReport> EndpointResolver::report() const {
  std::vector<NameReport> all;
  for (const auto& name : names_)
    all.push_back({name->name, name->addresses.size(), name->problem});
  return all;
}

}  // namespace headgate::proxy
