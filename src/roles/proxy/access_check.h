#pragma once
// Runs the access policies of a route over one request: address lists, JWT, API keys, then external authorisation, which
// waits for its answer. All policies must allow; the first refusal ends it. Decisions are decide/access; this joins them
// with the exchange. Worker thread, one per exchange.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "decide/access/policy.h"
#include "model/policy.h"
#include "roles/proxy/worker_context.h"
#include "wire/http/field.h"

namespace headgate::proxy {

class Exchange;
class ExternalAuth;

class AccessCheck {
 public:
  using Policies = std::vector<std::shared_ptr<const model::AccessPolicy>>;

  AccessCheck(WorkerContext& worker, Exchange& exchange);
  ~AccessCheck();  // a question that is under way is given up

  struct Result {
    enum Kind : std::uint8_t { kAllowed, kDenied, kWaiting };
    Kind kind = kAllowed;
    int status = 403;
    std::string reason;  // for the log alone
  };
  // kDenied: what the answer has to carry beside its status (WWW-Authenticate, Location) stands in the exchange's response
  // fields. kWaiting: the exchange's stages run again when the answer came; call run() again then.
  Result run(const Policies& policies);

  // Neither the origin nor the key of a cache entry may hold what only the edge reads: API keys, signatures. Limits and
  // redirects come before: a client that is sent elsewhere comes with its credentials.
  void take_credentials_from_query();
  // The query as it was before, where something was taken out; lives as long as the exchange.
  std::optional<std::string_view> query_with_credentials() const { return query_with_credentials_; }
  // What allowed requests carry to the origin: claims as headers, headers of the external answer; credentials that must not
  // travel are taken out.
  void add_request_fields(wire::http::Fields& fields, Arena& arena) const;
  // Who it is, as a token or an API key says; empty: nobody said.
  std::string_view client() const { return client_; }

 private:
  // A policy that allowed, and what it found.
  struct Passed {
    const model::AccessPolicy* policy;
    decide::access::AccessVerdict verdict;
    std::unique_ptr<ExternalAuth> external;
  };
  Result check_next(const model::AccessPolicy& policy);
  Result external_result(const ExternalAuth& external);
  Result deny(const decide::access::AccessVerdict& verdict);
  void strip_of(const Passed& passed, wire::http::Fields& fields, Arena& arena) const;

  WorkerContext& worker_;
  Exchange& exchange_;
  std::vector<Passed> passed_;  // the last one may wait for its external answer
  std::string client_;
  std::optional<std::string_view> query_with_credentials_;
};

}  // namespace headgate::proxy
