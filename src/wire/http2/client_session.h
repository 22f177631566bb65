#pragma once
// The client's end, towards an origin: requests go out, responses come in. See session.h for the
// loop, threads and limits.
#include "wire/http/message.h"
#include "wire/http2/session.h"

namespace headgate::wire::http2 {

class ClientSession final : public Session {
 public:
  // The preface and SETTINGS are the first output. `events` outlives the session. `limits` must be
  // is_consistent().
  ClientSession(ClientEvents& events, const Limits& limits);
  ~ClientSession();

  // True when submit_request would be taken now.
  bool can_open() const;
  // How many more requests may be open at once: the smaller of the peer's and our limit, less the
  // open ones.
  std::size_t free_streams() const;
  // Sends the request. From `head`: method_text, scheme, authority, target, protocol (RFC 8441:
  // with CONNECT and only when the peer allows), te_trailers; then `fields` without Host, TE and
  // the connection-specific ones. Fails with kExhausted (too many streams, or ids used up) or
  // kUnavailable (GOAWAY seen, session over), both retry_safe, or kInvalid (extended CONNECT that
  // the peer does not take).
  Result<StreamId> submit_request(const http::RequestHead& head, bool end_stream);

  const PeerSettings& peer_settings() const;
  bool goaway_seen() const;
};

}  // namespace headgate::wire::http2
