#pragma once
// Where the endpoints of one upstream are: literals and Unix sockets as they stand, names by what
// they resolve to, asked again when their TTL passes. What is known of IPv4 and of IPv6 is kept
// apart: a failure (no answer, a refusal) takes no address of its family away, while an empty answer
// or "no such name" takes all of them away. The last address of a name never goes: where nothing
// would be left, the last good set stays. After a failure the question is repeated with growing
// pauses. Control thread. Limit: kAddressesMax for a name, the lowest ones where there are more.
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.h"
#include "io/callback.h"
#include "io/loop.h"
#include "io/resolver.h"
#include "io/socket.h"
#include "model/upstream.h"
#include "roles/proxy/keeper_stats.h"

namespace headgate::proxy {

struct ResolvedAddress {
  const model::EndpointSpec* spec = nullptr;  // of the definition
  io::SocketAddress address;
  bool by_name = false;
};

// Of an IP literal or "unix:/path"; nullopt: it is a name to look up.
std::optional<io::SocketAddress> literal_address(const model::EndpointSpec& spec);

// IPv4 first, ascending, the first `max`: servers rotate their answers, and another order is no
// change.
std::vector<wire::ip::IpAddress> in_order(std::vector<wire::ip::IpAddress> addresses,
                                          std::size_t max);

// Pause before the next look-up: the TTL within the definition's bounds, plus up to a tenth, so
// that edges which started together do not ask together.
Duration refresh_after(Duration ttl, const model::Upstream& definition, Prng& prng);
// The same after `failures` > 0 in a row: 1 s, doubling up to 30 s, within the same bounds.
Duration retry_after(std::uint32_t failures, const model::Upstream& definition, Prng& prng);

// The DNS client that all upstreams share. Made when the first name is asked for; where that fails,
// the next look-up tries.
class NameService {
 public:
  NameService(io::Loop& loop, const std::vector<std::string>& servers);
  Result<io::Resolver*> get();

 private:
  io::Loop& loop_;
  io::ResolverOptions options_;
  std::unique_ptr<io::Resolver> resolver_;
};

class EndpointResolver {
 public:
  static constexpr std::size_t kAddressesMax = 512;
  struct Context {  // outlives all resolvers
    io::Loop& loop;
    NameService& names;
    Prng& prng;
    KeeperStats& stats;
  };
  // `changed` runs when addresses() is another one, from the loop, never from within the
  // constructor. `previous`, if any, resolved an earlier definition: what it knows of the same
  // names holds until the first answer.
  EndpointResolver(Context context, std::shared_ptr<const model::Upstream> definition,
                   const EndpointResolver* previous, io::Callback<> changed);
  ~EndpointResolver();
  EndpointResolver(const EndpointResolver&) = delete;
  EndpointResolver& operator=(const EndpointResolver&) = delete;

  // In the order of the definition. Names without an answer so far are left out.
  std::vector<ResolvedAddress> addresses() const;
  // True once every name has had its first outcome.
  bool settled() const;

  struct NameReport {
    std::string name;
    std::size_t addresses = 0;
    std::string problem;  // of the last look-up, or of one family; empty when both succeeded
  };
  std::vector<NameReport> report() const;

 private:
  struct Name;
  const Name* find(std::string_view name) const;

  Context context_;
  std::shared_ptr<const model::Upstream> definition_;
  io::Callback<> changed_;
  std::vector<std::unique_ptr<Name>> names_;  // each once, although several endpoints may share it
  std::vector<Name*> name_of_endpoint_;       // by endpoint of the definition; null for literals
};

}  // namespace headgate::proxy
