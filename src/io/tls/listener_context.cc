#include "io/tls/listener_context.h"

#include <fmt/format.h>
#include <openssl/err.h>

#include <algorithm>
#include <string_view>

#include "base/check.h"
#include "io/tls/certificate_groups.h"
#include "io/tls/name_table.h"
#include "io/tls/pem.h"
#include "io/tls/policy.h"
#include "io/tls/ticket_keys.h"

namespace headgate::io::tls {

namespace {

constexpr std::size_t kCertificatesPerListenerMax = 64;
constexpr std::size_t kClientAuthoritiesMax = 128;
constexpr int kClientChainDepthMax = 5;

class Hasher {
 public:
  Hasher() : context_(EVP_MD_CTX_new()) {
    HG_CHECK(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1,
             "SHA-256 is there");
  }
  // With its length in front, so that fields cannot run into each other.
  void add(std::string_view field) {
    const std::uint64_t length = field.size();
    EVP_DigestUpdate(context_.get(), &length, sizeof length);
    EVP_DigestUpdate(context_.get(), field.data(), field.size());
  }
  std::string finish() {
    std::string digest(32, '\0');
    EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
    return digest;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>> context_;
};

void add_session_scope(Hasher& hasher, const ServerListener& listener) {
  hasher.add(listener.name);
  hasher.add(listener.hostname);
  hasher.add(listener.client.ca_pem);
  hasher.add(listener.client.required ? "required" : "optional");
  hasher.add(listener.policy == Policy::kModern ? "modern" : "pci");
}

constexpr unsigned char kHttp2[] = "\x02h2\x08http/1.1";
constexpr unsigned char kHttp1[] = "\x08http/1.1";

template <const auto& Offer>
int select_alpn(SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* in,
                unsigned int in_length, void*) {
  unsigned char* chosen = nullptr;
  const int result =
      SSL_select_next_proto(&chosen, out_length, Offer, sizeof Offer - 1, in, in_length);
  *out = chosen;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

void set_alpn(SSL_CTX* context, Alpn alpn) {
  if (alpn == Alpn::kHttp2) SSL_CTX_set_alpn_select_cb(context, select_alpn<kHttp2>, nullptr);
  if (alpn == Alpn::kHttp1) SSL_CTX_set_alpn_select_cb(context, select_alpn<kHttp1>, nullptr);
}

// The handshake goes on; SSL_get_verify_result keeps what was wrong.
int accept_any(int, X509_STORE_CTX*) { return 1; }

Status set_client_authorities(SSL_CTX* context, const ServerListener& listener) {
  if (listener.client.ca_pem.empty()) return {};
  const std::string what = fmt::format("{}: client CA certificates", listener.name);
  auto anchors = parse_certificates(listener.client.ca_pem, what);
  if (!anchors) return std::unexpected(std::move(anchors.error()));
  if (anchors->size() > kClientAuthoritiesMax) {
    return fail(Code::kExhausted, fmt::format("{}: {}, the limit is {}", what, anchors->size(),
                                              kClientAuthoritiesMax));
  }
  auto store = make_store(*anchors);
  if (!store) return std::unexpected(std::move(store.error()));
  SSL_CTX_set1_verify_cert_store(context, store->get());
  for (const X509Ptr& anchor : *anchors) SSL_CTX_add_client_CA(context, anchor.get());
  return {};
}

Status use_certificate(SSL_CTX* context, const LoadedCertificate& certificate) {
  std::unique_ptr<STACK_OF(X509), decltype([](STACK_OF(X509) * s) { sk_X509_free(s); })> rest(
      sk_X509_new_null());
  for (std::size_t i = 1; i < certificate.chain.size(); ++i)
    sk_X509_push(rest.get(), certificate.chain[i].get());
  ERR_clear_error();
  if (SSL_CTX_use_cert_and_key(context, certificate.chain[0].get(), certificate.key.get(),
                               rest.get(), 1) == 1)
    return {};
  return fail(Code::kInvalid,
              fmt::format("{}: cannot be served: {}", certificate.name, openssl_reason()));
}

Status check_counts(const ServerListener& listener) {
  if (listener.certificates.empty()) {
    return fail(Code::kInvalid, fmt::format("{}: has no certificate", listener.name));
  }
  if (listener.certificates.size() > kCertificatesPerListenerMax) {
    return fail(Code::kExhausted,
                fmt::format("{}: {} certificates, the limit is {}", listener.name,
                            listener.certificates.size(), kCertificatesPerListenerMax));
  }
  return {};
}

Result<SslContextPtr> make_context(const ServerListener& listener, const CertificateGroup& group,
                                   const std::vector<LoadedCertificate>& certificates) {
  auto context = make_server_context(listener.policy);
  if (!context) return context;
  SSL_CTX_set_timeout(
      context->get(),
      std::chrono::duration_cast<std::chrono::seconds>(TicketKeys::kTicketLifetime).count());
  set_server_callbacks(context->get());
  set_alpn(context->get(), listener.alpn);
  for (const std::size_t member : group.members) {
    if (auto used = use_certificate(context->get(), certificates[member]); !used) {
      return std::unexpected(std::move(used.error()));
    }
  }
  if (auto set = set_client_authorities(context->get(), listener); !set)
    return std::unexpected(std::move(set.error()));
  return context;
}

}  // namespace

std::string ListenerContext::digest_of(const ServerListener& listener) {
  Hasher hasher;
  add_session_scope(hasher, listener);
  hasher.add(listener.alpn == Alpn::kHttp2   ? "h2"
             : listener.alpn == Alpn::kHttp1 ? "http/1.1"
                                             : "none");
  for (const CertificateSource& certificate : listener.certificates) {
    hasher.add(certificate.name);
    hasher.add(certificate.chain_pem);
    hasher.add(certificate.key_pem);
  }
  return hasher.finish();
}

Result<std::shared_ptr<const ListenerContext>> ListenerContext::make(const ServerListener& listener,
                                                                     std::string digest,
                                                                     WallTime now) {
  if (auto counted = check_counts(listener); !counted)
    return std::unexpected(std::move(counted.error()));
  std::shared_ptr<ListenerContext> made(new ListenerContext());
  auto certificates = load_certificates(listener.certificates, now, made->warnings_);
  if (!certificates) return std::unexpected(std::move(certificates.error()));
  for (const CertificateGroup& group : group_by_names(*certificates)) {
    auto context = make_context(listener, group, *certificates);
    if (!context) return std::unexpected(std::move(context.error()));
    made->groups_.push_back({group.names, std::move(*context)});
  }
  made->digest_ = std::move(digest);
  Hasher scope;
  add_session_scope(scope, listener);
  made->session_scope_ = scope.finish();
  made->policy_ = listener.policy;
  if (!listener.client.ca_pem.empty()) {
    made->verify_mode_ =
        SSL_VERIFY_PEER | (listener.client.required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);
    made->verify_ = listener.client.required ? nullptr : accept_any;
  }
  return made;
}

SSL_CTX* ListenerContext::context_for(std::string_view name) const {
  if (groups_.size() == 1 || name.empty()) return groups_.front().context.get();
  const Group* by_wildcard = nullptr;
  for (const Group& group : groups_) {
    if (std::ranges::binary_search(group.names, name)) return group.context.get();
    const bool matches = std::ranges::any_of(group.names, [&](const std::string& pattern) {
      return certificate_name_matches(pattern, name);
    });
    if (matches && !by_wildcard) by_wildcard = &group;
  }
  return (by_wildcard ? *by_wildcard : groups_.front()).context.get();
}

void ListenerContext::apply(SSL* ssl, SSL_CTX* context) const {
  if (SSL_get_SSL_CTX(ssl) != context) SSL_set_SSL_CTX(ssl, context);
  SSL_set_session_id_context(ssl, reinterpret_cast<const unsigned char*>(session_scope_.data()),
                             static_cast<unsigned int>(session_scope_.size()));
  SSL_set_min_proto_version(ssl, policy_ == Policy::kModern ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_set_verify(ssl, verify_mode_, verify_);
  SSL_set_verify_depth(ssl, kClientChainDepthMax);
}

}  // namespace headgate::io::tls
