#include "decide/cache/reason.h"

#include <array>

namespace headgate::decide::cache {
namespace {

struct Row {
  std::string_view token, rule;
};

// In the order of Reason.
constexpr Row kRows[] = {
    {"fresh", "the stored response is fresh (RFC 9111 §4.2)"},
    {"stale-while-revalidate",
     "stale by no more than stale-while-revalidate: served while it is validated (RFC 5861 §3)"},
    {"stale-if-error",
     "the origin failed and stale-if-error allows the stale response (RFC 5861 §4)"},
    {"max-stale", "the request accepts a stale response (RFC 9111 §5.2.1.2)"},
    {"not-stored", "nothing is stored for this key (RFC 9111 §4)"},
    {"variant-not-stored",
     "responses are stored for this key, but none that Vary selects (RFC 9111 §4.1)"},
    {"expired", "the stored response is stale (RFC 9111 §4.2.4)"},
    {"must-revalidate",
     "stale, and must-revalidate, proxy-revalidate or s-maxage forbids reuse (RFC 9111 §5.2.2.2)"},
    {"response-no-cache", "the response asks for validation before each reuse (RFC 9111 §5.2.2.4)"},
    {"invalidated", "a request or a purge invalidated the stored response (RFC 9111 §4.4)"},
    {"clock-stepped-back",
     "the stored response is from the future: its age is not known (RFC 9111 §4.2.3)"},
    {"request-no-cache", "the request asks for validation by no-cache (RFC 9111 §5.2.1.4)"},
    {"request-pragma", "the request asks for validation by Pragma (RFC 9111 §5.4)"},
    {"request-max-age",
     "older than the max-age of the request, or stale with one (RFC 9111 §5.2.1.1)"},
    {"request-min-fresh", "not fresh for as long as the request asks (RFC 9111 §5.2.1.3)"},
    {"method", "the method is not answered from a cache (RFC 9110 §9.2.3)"},
    {"request-content",
     "a GET or HEAD with content may mean anything to the origin (RFC 9110 §9.3.1)"},
    {"protocol-switch", "the request asks for another protocol (RFC 9110 §7.8)"},
    {"bypass-header", "a header named by the policy's bypass conditions is there"},
    {"bypass-cookie", "a cookie named by the policy's bypass conditions is there"},
    {"bypass-query", "a query parameter named by the policy's bypass conditions is there"},
    {"stored", "the response may be stored (RFC 9111 §3)"},
    {"interim", "an interim response is never stored (RFC 9111 §3)"},
    {"not-understood",
     "must-understand, and the status is not understood here (RFC 9111 §5.2.2.3)"},
    {"not-modified", "a 304 updates what is stored and is not stored itself (RFC 9111 §4.3.4)"},
    {"partial-unusable", "a part that was not asked for is not kept (RFC 9111 §3.3)"},
    {"request-no-store", "the request forbids storing (RFC 9111 §5.2.1.5)"},
    {"response-no-store", "the response forbids storing (RFC 9111 §5.2.2.5)"},
    {"response-private", "the response is for one user (RFC 9111 §5.2.2.7)"},
    {"authorization",
     "the request had Authorization and the response has no public, s-maxage or must-revalidate "
     "(RFC 9111 §3.5)"},
    {"nothing-allows-it",
     "neither the response nor its status nor the policy allows storing (RFC 9111 §3)"},
    {"never-reusable", "it is stale at once and could not be validated (RFC 9111 §3)"},
    {"set-cookie", "the response sets a cookie and the policy refuses that (RFC 9111 §7.3)"},
    {"cookie-heuristic",
     "the request had cookies outside of the key and the response does not say how long it is "
     "fresh"},
    {"vary-star", "Vary: * selects the response for no other request (RFC 9111 §4.1)"},
    {"request-fault", "an error that one client's header fields may cause is not kept for others"},
    {"too-large", "the response is larger than the policy's limit"},
    {"tags-too-many",
     "it has more or longer tags than can be kept, so it could not be purged by each"},
    {"incomplete", "the content ended early (RFC 9111 §3.3)"},
    {"not-admitted", "the policy keeps what is asked for twice, and this was asked for once"},
};
static_assert(std::size(kRows) == static_cast<std::size_t>(Reason::kCount));

}  // namespace

std::string_view token_of(Reason reason) { return kRows[static_cast<std::size_t>(reason)].token; }
std::string_view rule_of(Reason reason) { return kRows[static_cast<std::size_t>(reason)].rule; }

}  // namespace headgate::decide::cache
