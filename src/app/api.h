#pragma once
// The read-only API: the loaded resources in Kubernetes JSON under their usual paths, over TLS with
// a certificate of the development CA. Whoever asks presents the bearer token of STATE/admin.token.
// Data of Secrets is never shown. Control thread; the data plane owns it and the configuration that
// it shows.
#include <memory>
#include <string>

#include "app/configuration.h"
#include "app/options.h"
#include "base/result.h"
#include "base/time.h"
#include "io/tls/server_context.h"
#include "roles/observe/site.h"

namespace headgate::app {

class Api {
 public:
  static constexpr std::size_t kTokenBytes = 32;

  // Makes the token and the certificate when they are not there.
  static Result<std::unique_ptr<Api>> make(const UpOptions& options, const Configuration& current,
                                           WallTime now);

  const observe::Site& site() const { return site_; }
  const std::shared_ptr<io::tls::ServerContext>& tls() const { return tls_; }

  observe::Answer healthy(const observe::Request& request);
  observe::Answer version(const observe::Request& request);
  observe::Answer resources(const observe::Request& request);

 private:
  Api(const Configuration& current, std::string token, std::shared_ptr<io::tls::ServerContext> tls);
  bool may(const observe::Request& request) const;

  const Configuration& current_;
  std::string token_;
  std::shared_ptr<io::tls::ServerContext> tls_;
  observe::Site site_;
};

std::string token_file(const std::string& state);

}  // namespace headgate::app
