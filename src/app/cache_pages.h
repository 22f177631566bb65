#pragma once
// What the admin port does for the cache: purges, the list of them, and why something is answered
// from the cache or not. Control thread; the data
// plane owns it.
#include <memory>

#include "app/configuration.h"
#include "io/loop.h"
#include "roles/observe/site.h"
#include "roles/proxy/proxy.h"

namespace headgate::app {

class CachePages {
 public:
  // `proxy` is there, and started, before a page is asked for.
  CachePages(io::Loop& loop, const std::unique_ptr<proxy::Proxy>& proxy,
             const Configuration& current)
      : loop_(loop), proxy_(proxy), current_(current) {}
  void add_to(observe::Site& site);

  void purge(const observe::Request& request, observe::Reply reply);
  observe::Answer purges(const observe::Request& request);
  observe::Answer explain(const observe::Request& request);

 private:
  io::Loop& loop_;
  const std::unique_ptr<proxy::Proxy>& proxy_;
  const Configuration& current_;
};

}  // namespace headgate::app
