#include "io/resolver.h"

#include <ares.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/ascii.h"
#include "base/check.h"

namespace headgate::io {

namespace {

constexpr std::size_t kNameBytesMax = 253;

void initialise_library() {
  static std::once_flag once;
  std::call_once(once, [] {
    HG_CHECK(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS, "c-ares starts");
  });
}

bool means_no_such_name(int status) { return status == ARES_ENOTFOUND || status == ARES_ENODATA; }

Code code_of(int status) {
  if (means_no_such_name(status)) return Code::kNotFound;
  switch (status) {
    case ARES_ETIMEOUT: return Code::kTimeout;
    case ARES_EBADNAME:
    case ARES_EFORMERR: return Code::kInvalid;
    case ARES_ENOMEM: return Code::kExhausted;
    default: return Code::kUnavailable;
  }
}

wire::ip::IpAddress to_address(const sockaddr* from) {
  if (from->sa_family == AF_INET) {
    wire::ip::IpAddress address;
    std::memcpy(address.bytes.data(), &reinterpret_cast<const sockaddr_in*>(from)->sin_addr, 4);
    return address;
  }
  std::array<std::uint8_t, 16> bytes;
  std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(from)->sin6_addr, bytes.size());
  return wire::ip::from_ipv6_bytes(bytes);
}

// RFC 6761 §6.3: never asked of a server.
bool is_localhost(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  constexpr std::string_view kName = "localhost";
  if (name.size() < kName.size() ||
      !equals_ignore_case(name.substr(name.size() - kName.size()), kName))
    return false;
  return name.size() == kName.size() || name[name.size() - kName.size() - 1] == '.';
}

bool is_failure(int status) { return status != ARES_SUCCESS && !means_no_such_name(status); }

struct Lookup {
  std::string name;
  Resolver::Done done;
  int awaited = 0;  // families whose query is under way
  int ipv4_status = ARES_SUCCESS, ipv6_status = ARES_SUCCESS;
  std::optional<Duration> ttl;
  std::vector<wire::ip::IpAddress> addresses;

  void take(int family, int status, const ares_addrinfo* info);
  Result<Answer> result();
};

void Lookup::take(int family, int status, const ares_addrinfo* info) {
  --awaited;
  (family == AF_INET ? ipv4_status : ipv6_status) = status;
  for (const ares_addrinfo_node* node = info ? info->nodes : nullptr; node; node = node->ai_next) {
    addresses.push_back(to_address(node->ai_addr));
    const Duration life = std::chrono::seconds(std::max(node->ai_ttl, 0));
    ttl = ttl ? std::min(*ttl, life) : life;
  }
}

Result<Answer> Lookup::result() {
  Answer answer;
  answer.ipv4_failed = is_failure(ipv4_status);
  answer.ipv6_failed = is_failure(ipv6_status);
  const auto text = [&](std::string_view record, int status) {
    return fmt::format("resolve '{}'{}: {}", name, record, ares_strerror(status));
  };
  if (addresses.empty() && answer.ipv4_failed == answer.ipv6_failed) {
    const int status = ipv4_status == ARES_SUCCESS ? static_cast<int>(ARES_ENODATA) : ipv4_status;
    Error error{code_of(status), Source::kOrigin, true, text("", status)};
    return std::unexpected(std::move(error));
  }
  if (answer.ipv4_failed) answer.problem = text(" (A)", ipv4_status);
  if (answer.ipv6_failed) answer.problem = text(" (AAAA)", ipv6_status);
  auto& unique = answer.addresses;  // IPv4 first; rotation by the server is kept
  for (const bool v6 : {false, true}) {
    for (const auto& address : addresses) {
      if (address.v6 == v6 && std::ranges::find(unique, address) == unique.end())
        unique.push_back(address);
    }
  }
  answer.ttl = ttl.value_or(Duration::zero());
  return answer;
}

}  // namespace

struct Resolver::State {
  // Readiness of one socket of c-ares.
  class Socket : public EventHandler {
   public:
    Socket(State& state, ares_socket_t fd) : state_(state), fd_(fd) {}
    void on_io(std::uint32_t events) override {
      const bool failed = (events & (EPOLLERR | EPOLLHUP)) != 0;
      state_.process((events & EPOLLIN) || failed ? fd_ : ARES_SOCKET_BAD,
                     (events & EPOLLOUT) || failed ? fd_ : ARES_SOCKET_BAD);
    }

   private:
    State& state_;
    ares_socket_t fd_;
  };
  struct Query {  // what c-ares carries for one family of a lookup
    State* state;
    LookupId id;
    int family;
  };

  State(Loop& l, ResolverOptions o) : loop(l), options(std::move(o)) {}
  ~State();
  Status start();
  void process(ares_socket_t readable, ares_socket_t writable);
  void on_timer() { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }
  void rearm();
  void watch(ares_socket_t fd, bool readable, bool writable);
  void query(LookupId id, const std::string& name, int family);
  void answer_soon(LookupId id);
  void deliver();

  Loop& loop;
  ResolverOptions options;
  ares_channel channel = nullptr;
  bool ending = false;
  bool* destroyed = nullptr;  // set while callbacks run, which may destroy the resolver
  std::unordered_map<ares_socket_t, std::unique_ptr<Socket>> sockets;
  std::unordered_map<LookupId, Lookup> lookups;
  std::vector<LookupId> finished;
  LookupId last_id = 0;
  MemberTimer<&State::on_timer> timer{this};
  Deferred delivery{[](void* s) { static_cast<State*>(s)->deliver(); }, this};
};

Resolver::State::~State() {
  ending = true;
  if (destroyed) *destroyed = true;
  if (channel) ares_destroy(channel);  // calls every pending callback, and closes the sockets
}

Status Resolver::State::start() {
  initialise_library();
  ares_options settings{};
  settings.timeout = static_cast<int>(
      std::chrono::duration_cast<std::chrono::milliseconds>(options.try_timeout).count());
  settings.tries = options.tries;
  settings.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
    static_cast<State*>(self)->watch(fd, readable != 0, writable != 0);
  };
  settings.sock_state_cb_data = this;
  int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  if (!options.search_domains) {
    settings.flags = ARES_FLAG_NOSEARCH;
    mask |= ARES_OPT_FLAGS;
  }
  if (const int status = ares_init_options(&channel, &settings, mask); status != ARES_SUCCESS) {
    return fail(Code::kInternal, fmt::format("resolver: {}", ares_strerror(status)));
  }
  if (options.servers.empty()) return {};
  if (const int status = ares_set_servers_ports_csv(channel, options.servers.c_str());
      status != ARES_SUCCESS) {
    return fail(Code::kInvalid,
                fmt::format("resolver servers '{}': {}", options.servers, ares_strerror(status)));
  }
  return {};
}

void Resolver::State::process(ares_socket_t readable, ares_socket_t writable) {
  ares_process_fd(channel, readable, writable);
  rearm();
}

void Resolver::State::rearm() {
  timeval wait{};
  if (ares_timeout(channel, nullptr, &wait)) {
    loop.arm(timer, std::chrono::seconds(wait.tv_sec) + std::chrono::microseconds(wait.tv_usec));
  } else {
    loop.disarm(timer);
  }
}

void Resolver::State::watch(ares_socket_t fd, bool readable, bool writable) {
  const std::uint32_t events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u);
  const auto it = sockets.find(fd);
  if (events == 0) {
    loop.remove(fd);
    if (it == sockets.end()) return;
    loop.retire(std::move(it->second));
    sockets.erase(it);
  } else if (it != sockets.end()) {
    loop.modify(fd, events, *it->second);
  } else {
    auto socket = std::make_unique<Socket>(*this, fd);
    // Without it the query runs into its timeout, which is answered.
    if (loop.add(fd, events, *socket)) sockets.emplace(fd, std::move(socket));
  }
}

void Resolver::State::query(LookupId id, const std::string& name, int family) {
  ares_addrinfo_hints hints{};
  hints.ai_family = family;
  hints.ai_flags = ARES_AI_NOSORT;
  const auto finish = [](void* carried, int status, int, ares_addrinfo* info) {
    const std::unique_ptr<Query> asked(static_cast<Query*>(carried));
    State& state = *asked->state;
    if (!state.ending) {
      if (const auto it = state.lookups.find(asked->id); it != state.lookups.end()) {
        it->second.take(asked->family, status, info);
        if (it->second.awaited == 0) state.answer_soon(asked->id);
      }
    }
    if (info) ares_freeaddrinfo(info);
  };
  ares_getaddrinfo(channel, name.c_str(), nullptr, &hints, finish, new Query{this, id, family});
}

void Resolver::State::answer_soon(LookupId id) {
  finished.push_back(id);
  loop.defer(delivery);
}

void Resolver::State::deliver() {
  bool gone = false;
  destroyed = &gone;
  for (const LookupId id : std::exchange(finished, {})) {
    auto node = lookups.extract(id);
    if (!node) continue;  // cancelled
    Lookup& lookup = node.mapped();
    lookup.done(lookup.result());
    if (gone) return;
  }
  destroyed = nullptr;
}

Resolver::Resolver(std::unique_ptr<State> state) : state_(std::move(state)) {}
Resolver::~Resolver() = default;

Result<std::unique_ptr<Resolver>> Resolver::make(Loop& loop, ResolverOptions options) {
  auto state = std::make_unique<State>(loop, std::move(options));
  if (auto started = state->start(); !started) return std::unexpected(std::move(started.error()));
  return std::unique_ptr<Resolver>(new Resolver(std::move(state)));
}

Resolver::LookupId Resolver::resolve(const std::string& name, Done done) {
  State& state = *state_;
  const LookupId id = ++state.last_id;
  const bool full = state.lookups.size() >= state.options.lookups_max;
  Lookup& lookup = state.lookups[id];
  lookup.name = name;
  lookup.done = std::move(done);
  const auto literal = wire::ip::parse_ip(name);
  if (full || name.empty() || name.size() > kNameBytesMax) {
    lookup.ipv4_status = lookup.ipv6_status = full ? ARES_ENOMEM : ARES_EBADNAME;
    state.answer_soon(id);
  } else if (literal || is_localhost(name)) {
    lookup.addresses.push_back(literal.value_or(wire::ip::ipv4(127, 0, 0, 1)));
    if (!literal) lookup.addresses.push_back(*wire::ip::parse_ip("::1"));
    state.answer_soon(id);
  } else {
    lookup.awaited = 2;
    state.query(id, name, AF_INET);
    state.query(id, name, AF_INET6);
    state.rearm();
  }
  return id;
}

void Resolver::cancel(LookupId id) { state_->lookups.erase(id); }

}  // namespace headgate::io
