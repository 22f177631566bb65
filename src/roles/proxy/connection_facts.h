#pragma once
// What is known about a client connection before any request: constant over its exchanges. One
// object a connection.
#include <string>
#include <string_view>

#include "roles/proxy/client_addresses.h"
#include "roles/proxy/prepared.h"
#include "wire/ip/address.h"

namespace headgate::proxy {

struct ConnectionFacts {
  PortView* port = nullptr;
  wire::ip::Endpoint peer;      // who really connected: after a believed PROXY header
  wire::ip::Endpoint local;
  std::string peer_text;        // address without port
  bool tls = false;
  std::string tls_hostname;     // pattern of the listener that the handshake chose
  std::string_view tls_version, tls_cipher;  // static text of the library
  std::string client_subject;   // of a verified client certificate
  ClientAddresses::Place place;  // among the connections of the peer's address; goes from protocol
                                 // to protocol with the rest
};

}  // namespace headgate::proxy
