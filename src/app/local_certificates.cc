#include "app/local_certificates.h"

#include <algorithm>
#include <set>

#include "base/hash.h"
#include "io/tls/authority.h"

namespace headgate::app {

namespace {

using io::tls::Authority;

std::string directory_of(const std::string& state) { return state + "/local-ca"; }

// "Gateway default/edge/https" as the name of a file.
std::string file_of(std::string_view listener) {
  std::string file(listener);
  for (char& c : file) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.';
    if (!plain) c = '_';
  }
  return file;
}

Status issue_for(model::Listener& listener, const std::string& address, const Authority& authority,
                 WallTime now) {
  auto issued = authority.issue_kept(file_of(listener.name), names_of(listener, address), now);
  if (!issued) return std::unexpected(issued.error());
  model::Certificate certificate;
  certificate.name = "local certificate of " + listener.name;
  certificate.chain_pem = std::move(issued->chain_pem);
  certificate.key_pem = std::move(issued->key_pem);
  certificate.fingerprint = hash64(certificate.chain_pem, hash64(certificate.key_pem));
  listener.tls.certificates.push_back(std::move(certificate));
  return {};
}

bool any_local(const model::Snapshot& snapshot) {
  for (const model::Port& port : snapshot.ports)
    for (const model::Listener& listener : port.listeners)
      if (listener.tls.issue_locally) return true;
  return false;
}

}  // namespace

std::string local_ca_file(const std::string& state) { return directory_of(state) + "/ca.crt"; }

std::vector<std::string> names_of(const model::Listener& listener, const std::string& address) {
  std::set<std::string> chosen = {listener.hostname};
  if (listener.hostname.empty()) {
    chosen = {"localhost", "127.0.0.1", "::1"};
    if (!address.empty()) chosen.insert(address);
  }
  std::set<std::string> exact, wildcards;  // sorted, so that every reading chooses the same ones
  for (const auto& [host, paths] : listener.routes.exact_hosts) exact.insert(host);
  for (const auto& [suffix, paths] : listener.routes.wildcard_hosts) wildcards.insert("*" + suffix);
  for (const std::set<std::string>* more : {&exact, &wildcards})
    for (const std::string& name : *more)
      if (chosen.size() < Authority::kNamesMax) chosen.insert(name);
  return {chosen.begin(), chosen.end()};
}

Result<std::shared_ptr<const model::Snapshot>> with_local_certificates(
    std::shared_ptr<const model::Snapshot> snapshot, const std::string& state, WallTime now) {
  if (!any_local(*snapshot)) return snapshot;
  auto authority = Authority::open(directory_of(state), now);
  if (!authority) return std::unexpected(authority.error());
  auto copy = std::make_shared<model::Snapshot>(*snapshot);
  for (model::Port& port : copy->ports) {
    for (model::Listener& listener : port.listeners) {
      if (!listener.tls.issue_locally) continue;
      if (Status issued = issue_for(listener, port.address, **authority, now); !issued)
        return std::unexpected(issued.error());
    }
  }
  return copy;
}

Result<io::tls::CertificateSource> certificate_for_api(const std::string& state,
                                                       const std::string& address, WallTime now) {
  auto authority = Authority::open(directory_of(state), now);
  if (!authority) return std::unexpected(authority.error());
  std::vector<std::string> names = {"localhost", "127.0.0.1", "::1"};
  if (std::find(names.begin(), names.end(), address) == names.end()) names.push_back(address);
  return (*authority)->issue_kept("headgate-api", names, now);
}

}  // namespace headgate::app
