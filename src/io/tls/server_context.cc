#include "io/tls/server_context.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/ascii.h"
#include "base/check.h"
#include "io/tls/handle.h"
#include "io/tls/listener_context.h"
#include "io/tls/ticket_seal.h"

namespace headgate::io::tls {

namespace {

constexpr std::size_t kServerNameBytesMax = 255;

// The host name in a server_name extension (RFC 6066 §3): list length, type 0, name length, name.
// Absent: nullopt with `malformed` unset.
std::optional<std::string_view> server_name_of(SSL* ssl, bool& malformed) {
  const unsigned char* bytes = nullptr;
  std::size_t length = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &length) != 1)
    return std::nullopt;
  malformed = true;
  if (length < 5) return std::nullopt;
  const std::size_t list = static_cast<std::size_t>(bytes[0] << 8 | bytes[1]);
  const std::size_t name = static_cast<std::size_t>(bytes[3] << 8 | bytes[4]);
  if (list != length - 2 || bytes[2] != TLSEXT_NAMETYPE_host_name || name != list - 3)
    return std::nullopt;
  if (name == 0 || name > kServerNameBytesMax) return std::nullopt;
  malformed = false;
  return std::string_view(reinterpret_cast<const char*>(bytes + 5), name);
}

}  // namespace

struct Callbacks {
  using Entry = ServerContext::Entry;

  static int slot() {
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_entry);
    return index;
  }
  static const Entry* entry_of(const SSL* ssl) {
    return static_cast<const Entry*>(SSL_get_ex_data(ssl, slot()));
  }
  static bool set_entry(SSL* ssl, const Entry* entry) {
    return SSL_set_ex_data(ssl, slot(), const_cast<Entry*>(entry)) == 1;
  }

  static void free_entry(void*, void* entry, CRYPTO_EX_DATA*, int, long, void*) {
    if (entry) static_cast<const Entry*>(entry)->owner->release();
  }

  // Before anything of the ClientHello is acted on, so that the listener's own rules apply to all
  // of it.
  static int on_client_hello(SSL* ssl, int* alert, void*) {
    const Entry* entry = entry_of(ssl);
    HG_CHECK(entry != nullptr, "every server connection comes from accept()");
    const ServerContext& owner = *entry->owner;
    bool malformed = false;
    const auto sent = server_name_of(ssl, malformed);
    if (malformed) {
      *alert = SSL_AD_DECODE_ERROR;
      return SSL_CLIENT_HELLO_ERROR;
    }
    std::array<char, kServerNameBytesMax> lower;
    std::string_view name;
    if (sent) {
      std::ranges::transform(*sent, lower.begin(), [](char c) { return to_lower(c); });
      name = {lower.data(), sent->size()};
      if (name.ends_with('.')) name.remove_suffix(1);
    }
    const Entry* chosen = sent ? owner.find(name) : owner.default_;
    if (!chosen) {
      *alert = SSL_AD_UNRECOGNIZED_NAME;
      return SSL_CLIENT_HELLO_ERROR;
    }
    HG_CHECK(set_entry(ssl, chosen), "the slot exists since accept()");
    chosen->listener->apply(ssl, chosen->listener->context_for(name));
    return SSL_CLIENT_HELLO_SUCCESS;
  }

  static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                       EVP_MAC_CTX* mac, int sealing) {
    const Entry* entry = entry_of(ssl);
    if (!entry) return -1;
    const int result =
        seal_or_open_ticket(*entry->owner->keys_, name, iv, cipher, mac, sealing != 0);
    // A TLS 1.3 client uses a ticket once, so each resumption must bring the next one.
    return result == 1 && !sealing && SSL_version(ssl) == TLS1_3_VERSION ? 2 : result;
  }
};

void set_server_callbacks(SSL_CTX* context) {
  SSL_CTX_set_client_hello_cb(context, Callbacks::on_client_hello, nullptr);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, Callbacks::on_ticket);
}

ServerContext::~ServerContext() = default;

void ServerContext::release() const {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

Result<std::shared_ptr<ServerContext>> ServerContext::make(const ServerConfig& config,
                                                           std::shared_ptr<TicketKeys> keys,
                                                           WallTime now,
                                                           const ServerContext* previous) {
  HG_CHECK(keys != nullptr, "a server context has ticket keys");
  if (config.listeners.empty()) return fail(Code::kInvalid, "TLS: no listener");
  if (config.listeners.size() > kListenersMax) {
    return fail(Code::kExhausted, fmt::format("TLS: {} listeners, the limit is {}",
                                              config.listeners.size(), kListenersMax));
  }
  std::shared_ptr<ServerContext> made(new ServerContext(), [](ServerContext* c) { c->release(); });
  made->keys_ = std::move(keys);
  made->unknown_name_gets_default_ = config.unknown_name_gets_default;
  made->entries_.reserve(config.listeners.size());
  for (const ServerListener& listener : config.listeners) {
    if (auto added = made->add(listener, now, previous); !added)
      return std::unexpected(std::move(added.error()));
  }
  made->default_ = &made->entries_[made->names_.any().value_or(0)];
  return made;
}

Status ServerContext::add(const ServerListener& listener, WallTime now,
                          const ServerContext* previous) {
  const auto index = static_cast<std::uint32_t>(entries_.size());
  if (auto named = names_.add(listener.hostname, index); !named) {
    return fail(Code::kInvalid, fmt::format("{}: {}", listener.name, named.error().message));
  }
  const auto digest = ListenerContext::digest_of(listener);
  std::shared_ptr<const ListenerContext> context =
      previous ? previous->find_unchanged(digest) : nullptr;
  if (!context) {
    auto made = ListenerContext::make(listener, digest, now);
    if (!made) return std::unexpected(std::move(made.error()));
    context = std::move(*made);
  }
  warnings_.insert(warnings_.end(), context->warnings().begin(), context->warnings().end());
  by_digest_.emplace(digest, index);
  entries_.push_back({this, std::move(context), index});
  return {};
}

std::shared_ptr<const ListenerContext> ServerContext::find_unchanged(
    const std::string& digest) const {
  const auto it = by_digest_.find(digest);
  return it == by_digest_.end() ? nullptr : entries_[it->second].listener;
}

const ServerContext::Entry* ServerContext::find(std::string_view server_name) const {
  if (const auto index = names_.find(server_name)) return &entries_[*index];
  return unknown_name_gets_default_ ? default_ : nullptr;
}

SslPtr ServerContext::accept() const {
  SSL_CTX* context = default_->listener->context_for({});
  SslPtr ssl(SSL_new(context));
  if (!ssl) return nullptr;
  if (!Callbacks::set_entry(ssl.get(), default_)) return nullptr;
  acquire();
  SSL_set_accept_state(ssl.get());
  return ssl;
}

std::uint32_t listener_index(const SSL* ssl) {
  const ServerContext::Entry* entry = Callbacks::entry_of(ssl);
  return entry ? entry->index : 0;
}

}  // namespace headgate::io::tls
