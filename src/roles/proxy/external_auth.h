#pragma once
// Asks an external service whether a request may pass: a GET without a body to `path_prefix` + the path of the request, with
// the original method and the normalised target, as it will be forwarded, in X-Forwarded-Method and -Uri. 2xx allows. 401, 403 and redirects are passed on
// without their body; anything else, or no answer in time, is an error: refused, unless the policy says otherwise.
// Worker thread; owned by the AccessCheck of an exchange, which it wakes when the answer came.
#include <cstdint>
#include <string>
#include <vector>

#include "base/arena.h"
#include "model/policy.h"
#include "roles/proxy/origin_call.h"

namespace headgate::proxy {

class ExternalAuth final : public OriginCall {
 public:
  enum class State : std::uint8_t { kWaiting, kAllowed, kDenied };
  struct KeptField {
    std::string name, value;
    wire::http::FieldId id;
  };
  static constexpr std::size_t kResponseBytesMax = 65536;  // read and dropped, so that the connection can be kept

  ExternalAuth(WorkerContext& worker, Exchange& exchange, const model::ExternalAuthorization& policy)
      : OriginCall(worker), exchange_(exchange), policy_(policy) {}

  // When it has decided already at return, the exchange is not woken.
  void ask(std::shared_ptr<const WorkerSnapshot> world);

  State state() const { return state_; }
  int status() const { return status_; }                // of a refusal
  const std::string& reason() const { return reason_; } // of a refusal, for the log
  // Allowed: for the upstream. Denied: for the client.
  const std::vector<KeptField>& fields() const { return fields_; }
  const model::ExternalAuthorization& policy() const { return policy_; }

 private:
  void call_ready(OriginStream& stream) override;
  void call_head(wire::http::ResponseHead& head) override;
  void call_body(std::string_view bytes) override;
  void call_ended(const OriginFailure* failure) override;
  void build_fields(wire::http::Fields& fields) const;
  void start_now(bool needs_fresh);
  void keep(const wire::http::Field& field);
  void decide(State state, int status, std::string reason);
  void decide_error(std::string reason);

  Exchange& exchange_;
  const model::ExternalAuthorization& policy_;
  std::shared_ptr<const WorkerSnapshot> world_;
  std::string uri_, target_;
  std::vector<KeptField> fields_;
  std::string reason_;
  Instant deadline_;
  std::size_t response_bytes_ = 0;
  int status_ = 403;
  State state_ = State::kWaiting;
  bool asking_ = false, retried_ = false;
};

}  // namespace headgate::proxy
