#include "io/tls/client_context.h"

#include <fmt/format.h>
#include <openssl/err.h>

#include <mutex>
#include <unordered_map>

#include "base/check.h"
#include "base/hash.h"
#include "io/tls/handle.h"
#include "io/tls/pem.h"
#include "io/tls/policy.h"
#include "wire/ip/address.h"

namespace headgate::io::tls {

namespace {

constexpr unsigned char kHttp2[] = "\x02h2\x08http/1.1";
constexpr unsigned char kHttp1[] = "\x08http/1.1";

Status set_trust(SSL_CTX* context, const ClientConfig& config) {
  if (config.ca_pem.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) == 1) return {};
    return fail(Code::kInternal,
                fmt::format("{}: system trust store: {}", config.name, openssl_reason()));
  }
  auto anchors = parse_certificates(config.ca_pem, config.name + ": CA certificates");
  if (!anchors) return std::unexpected(std::move(anchors.error()));
  auto store = make_store(*anchors);
  if (!store) return std::unexpected(std::move(store.error()));
  SSL_CTX_set_cert_store(context, store->release());
  return {};
}

Status set_own_certificate(SSL_CTX* context, const ClientConfig& config) {
  if (config.chain_pem.empty() && config.key_pem.empty()) return {};
  auto chain = parse_certificates(config.chain_pem, config.name + ": client certificate");
  if (!chain) return std::unexpected(std::move(chain.error()));
  auto key = parse_private_key(config.key_pem, config.name + ": client key");
  if (!key) return std::unexpected(std::move(key.error()));
  const bool used = SSL_CTX_use_certificate(context, chain->front().get()) == 1 &&
                    SSL_CTX_use_PrivateKey(context, key->get()) == 1;
  if (!used)
    return fail(Code::kInvalid,
                fmt::format("{}: client certificate: {}", config.name, openssl_reason()));
  for (std::size_t i = 1; i < chain->size(); ++i)
    SSL_CTX_add1_chain_cert(context, (*chain)[i].get());
  return {};
}

bool expect_name(SSL* ssl, const std::string& name, bool first) {
  X509_VERIFY_PARAM* rules = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(
      rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (wire::ip::parse_ip(name)) return X509_VERIFY_PARAM_set1_ip_asc(rules, name.c_str()) == 1;
  return (first ? X509_VERIFY_PARAM_set1_host(rules, name.data(), name.size())
                : X509_VERIFY_PARAM_add1_host(rules, name.data(), name.size())) == 1;
}

}  // namespace

// Belongs to the SSL_CTX, and so lives as long as any connection that may still bring a session.
struct ClientContext::State {
  ClientConfig config;
  std::mutex mutex;
  std::unordered_map<std::string, SessionPtr, StringHash> sessions;  // by server name
};

struct ClientCallbacks {
  static int slot() {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_state);
    return index;
  }
  static void free_state(void*, void* state, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<ClientContext::State*>(state);
  }
  static ClientContext::State& state_of(const SSL_CTX* context) {
    return *static_cast<ClientContext::State*>(SSL_CTX_get_ex_data(context, slot()));
  }

  // Sessions are kept and lent as copies: OpenSSL marks the one of a connection that ends without
  // close_notify as not resumable. A TLS 1.3 ticket is for one use, so it is taken out; the
  // connection brings a new one.
  static SessionPtr take_session(ClientContext::State& state, const std::string& name) {
    const std::lock_guard lock(state.mutex);
    const auto it = state.sessions.find(name);
    if (it == state.sessions.end()) return nullptr;
    SessionPtr session(SSL_SESSION_dup(it->second.get()));
    if (session && SSL_SESSION_get_protocol_version(session.get()) == TLS1_3_VERSION)
      state.sessions.erase(it);
    return session;
  }

  static int keep_session(SSL* ssl, SSL_SESSION* session) {
    ClientContext::State& state = state_of(SSL_get_SSL_CTX(ssl));
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    SessionPtr copy(SSL_SESSION_dup(session));
    if (!copy) return 0;
    std::string key = name ? name : "";
    const std::lock_guard lock(state.mutex);
    if (state.sessions.size() >= ClientContext::kSessionsMax && !state.sessions.contains(key)) {
      state.sessions.clear();
    }
    state.sessions[std::move(key)] = std::move(copy);
    return 0;  // the given one stays OpenSSL's
  }
};

ClientContext::~ClientContext() { SSL_CTX_free(context_); }

Result<std::shared_ptr<ClientContext>> ClientContext::make(const ClientConfig& config) {
  auto context = make_client_context();
  if (!context) return std::unexpected(std::move(context.error()));
  if (auto set = set_trust(context->get(), config); !set)
    return std::unexpected(std::move(set.error()));
  if (auto set = set_own_certificate(context->get(), config); !set)
    return std::unexpected(std::move(set.error()));
  if (config.offer_h2) {
    SSL_CTX_set_alpn_protos(context->get(), kHttp2, sizeof kHttp2 - 1);
  } else {
    SSL_CTX_set_alpn_protos(context->get(), kHttp1, sizeof kHttp1 - 1);
  }
  auto state = std::make_unique<State>();
  state->config = config;
  if (SSL_CTX_set_ex_data(context->get(), ClientCallbacks::slot(), state.get()) != 1) {
    return fail(Code::kExhausted, fmt::format("{}: out of memory", config.name));
  }
  state.release();
  SSL_CTX_sess_set_new_cb(context->get(), ClientCallbacks::keep_session);
  std::shared_ptr<ClientContext> made(new ClientContext());
  made->context_ = context->release();
  return made;
}

SslPtr ClientContext::connect(std::string_view server_name) const {
  State& state = ClientCallbacks::state_of(context_);
  const ClientConfig& config = state.config;
  const std::string name(server_name.empty() ? std::string_view(config.server_name) : server_name);
  SslPtr ssl(SSL_new(context_));
  if (!ssl) return nullptr;
  bool first = true;
  for (const std::string& expected : config.subject_alt_names) {
    if (!expect_name(ssl.get(), expected, std::exchange(first, false))) return nullptr;
  }
  if (config.subject_alt_names.empty() && !expect_name(ssl.get(), name, true)) return nullptr;
  const bool is_address = wire::ip::parse_ip(name).has_value();
  if (!name.empty() && !is_address) SSL_set_tlsext_host_name(ssl.get(), name.c_str());
  if (SessionPtr session =
          ClientCallbacks::take_session(state, is_address ? std::string() : name)) {
    SSL_set_session(ssl.get(), session.get());
  }
  SSL_set_connect_state(ssl.get());
  return ssl;
}

void offer_no_protocol(SSL* ssl) { SSL_set_alpn_protos(ssl, nullptr, 0); }

std::string client_handshake_error(const SSL* ssl, std::string_view otherwise) {
  const long result = SSL_get_verify_result(ssl);
  if (result == X509_V_OK) return std::string(otherwise);
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  return fmt::format("certificate of '{}': {}", name ? name : "",
                     X509_verify_cert_error_string(result));
}

}  // namespace headgate::io::tls
