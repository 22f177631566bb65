#pragma once
// HTTP requests of the control side on a loop (libcurl): JWKS, webhooks, ACME. Not for proxied
// traffic. TLS is verified, proxies named in the environment are ignored, redirects are few and
// never leave TLS. Loop's thread; the callback runs there, always after start() has returned.
// Destroying the Fetcher drops what is under way. Limit: fetches_max at a time, then
// Code::kExhausted.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/callback.h"
#include "io/loop.h"

namespace headgate::io {

struct FetchRequest {
  std::string url;             // http or https
  std::string method = "GET";  // GET, HEAD or POST
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;                      // of a POST
  std::string ca_pem;                    // empty: the system's trust store
  std::size_t body_bytes_max = 1 << 20;  // of the response
  Duration timeout = 10s;                // for everything, redirects included
  int redirects_max = 3;                 // none are followed for a POST
};

struct FetchResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>>
      headers;  // names in lower case; of the last response alone
  std::string body;
  // The first value of a header; empty when there is none.
  std::string_view header(std::string_view name) const;
};

class Fetcher {
 public:
  // A status of 400 or more is a response, not an error. Errors: kInvalid the URL, method or a
  // header, kTimeout, kExhausted a limit, kDenied the server's certificate, kUnavailable everything
  // else on the way.
  using Done = Callback<Result<FetchResponse>>;
  static constexpr std::size_t kHeaderBytesMax = 65536;

  explicit Fetcher(Loop& loop, std::size_t fetches_max = 64);
  ~Fetcher();
  void start(FetchRequest request, Done done);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace headgate::io
