#pragma once
// The client of an exchange that has none: a validation beside a stale answer, or a fetch whose
// client left while others read what it brings. Takes everything, wants nothing.
#include "roles/proxy/connection_facts.h"
#include "roles/proxy/downstream.h"

namespace headgate::proxy {

class NoClient final : public Downstream {
 public:
  explicit NoClient(const ConnectionFacts& of)
      : facts_{of.port,         of.peer,        of.local,      of.peer_text,      of.tls,
               of.tls_hostname, of.tls_version, of.tls_cipher, of.client_subject, {}} {}

  // Of the client on whose behalf the origin is asked.
  const ConnectionFacts& facts() const { return facts_; }

  void send_interim(int, const wire::http::Fields&) override {}
  void send_head(int, const wire::http::Fields&, ResponseBody) override {}
  void send_body(std::string_view, bool) override {}
  void send_trailers(const wire::http::Fields&) override {}
  void flush() override {}
  std::size_t buffered_bytes() const override { return 0; }
  bool reads_on() override { return false; }
  void want_request_body(bool) override {}
  void abort() override {}
  void exchange_done() override {}

 private:
  const ConnectionFacts facts_;
};

}  // namespace headgate::proxy
