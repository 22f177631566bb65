#include "io/tls/ticket_seal.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <cstring>

namespace headgate::io::tls {

namespace {

// Fetched once: a look-up by name for each ticket costs more than the encryption.
const EVP_CIPHER* ticket_cipher() {
  static EVP_CIPHER* const fetched = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  return fetched;
}

bool set_mac_key(EVP_MAC_CTX* mac, TicketKeys::Key& key) {
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

bool start(TicketKeys::Key& key, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
           bool sealing) {
  if (!ticket_cipher()) return false;
  if (sealing && RAND_bytes(iv, EVP_CIPHER_get_iv_length(ticket_cipher())) != 1) return false;
  return set_mac_key(mac, key) && EVP_CipherInit_ex(cipher, ticket_cipher(), nullptr,
                                                    key.cipher.data(), iv, sealing ? 1 : 0) == 1;
}

}  // namespace

int seal_or_open_ticket(const TicketKeys& keys, unsigned char* name, unsigned char* iv,
                        EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, bool sealing) {
  TicketKeys::Found found{.key = {}, .newest = true};
  if (sealing) {
    found.key = keys.sealing_key();
    std::memcpy(name, found.key.name.data(), found.key.name.size());
  } else if (const auto known = keys.find(name)) {
    found = *known;
  } else {
    return 0;
  }
  const bool done = start(found.key, iv, cipher, mac, sealing);
  OPENSSL_cleanse(&found.key, sizeof found.key);
  if (!done) return -1;
  return sealing || found.newest ? 1 : 2;
}

}  // namespace headgate::io::tls
