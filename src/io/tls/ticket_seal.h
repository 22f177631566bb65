#pragma once
// The ticket callback of OpenSSL over TicketKeys: fills in name, vector, cipher and MAC.
#include <openssl/evp.h>

#include "io/tls/ticket_keys.h"

namespace headgate::io::tls {

// Results as SSL_CTX_set_tlsext_ticket_key_evp_cb wants them: 1 done, 2 opened and a new ticket is
// due, 0 no such key (a full handshake follows), -1 failed.
int seal_or_open_ticket(const TicketKeys& keys, unsigned char* name, unsigned char* iv,
                        EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, bool sealing);

}  // namespace headgate::io::tls
