#pragma once
// The certificate authority of a development set-up: kept in a directory (ca.crt 0644, ca.key
// 0600), issues server certificates for listeners that have none. Not for production names: nobody
// revokes, nobody audits. Any thread, one at a time; blocking.
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/tls/server_config.h"

namespace headgate::io::tls {

class Authority {
 public:
  static constexpr Duration kAuthorityLife = 24h * 3650;
  static constexpr Duration kLeafLife = 24h * 90;
  // Peers whose clocks are a little late accept what was just made.
  static constexpr Duration kBackdate = 1h;
  static constexpr std::size_t kNamesMax = 100;

  // Loads the authority of the directory; makes one when there is none. A directory that holds one
  // of the two files, or files that do not parse or belong together, is an error: a silent
  // replacement would break every client that trusts it.
  static Result<std::unique_ptr<Authority>> open(const std::string& directory, WallTime now);
  ~Authority();

  // ECDSA P-256, serverAuth, for DNS names ("*.example.com" included) and IP addresses; `name` is
  // for messages.
  Result<CertificateSource> issue(std::string name, const std::vector<std::string>& names,
                                  WallTime now) const;

  // The certificate stored as NAME.crt and NAME.key beside the authority, issued anew when it is
  // missing, is not of this authority, names others, or has less than a third of its life left.
  // `file` is letters, digits, '-', '_', '.'.
  Result<CertificateSource> issue_kept(const std::string& file,
                                       const std::vector<std::string>& names, WallTime now) const;

  const std::string& certificate_pem() const;

 private:
  struct State;
  Authority();
  std::string directory_;
  std::unique_ptr<State> state_;
};

// Less than a third of the time between its two dates is left.
bool is_due(const std::string& chain_pem, WallTime now);

}  // namespace headgate::io::tls
