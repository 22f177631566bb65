#pragma once
// For tests: a whole Proxy with one worker and one HTTP port on loopback, configured by a rule and the ports of its upstreams
// (upstream 0 is the rule's backend). Its control loop runs on a thread of its own.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "io/loop.h"
#include "io/socket.h"
#include "io/test_directory.h"
#include "model/route_table.h"
#include "roles/proxy/proxy.h"
#include "roles/proxy/testing/live_origin.h"

namespace headgate::proxy::testing {

class LiveProxy {
 public:
  LiveProxy(model::Rule rule, const std::vector<std::uint16_t>& upstream_ports) {
    auto snapshot = std::make_shared<model::Snapshot>();
    snapshot->revision = 1;
    snapshot->rules = 1;
    for (const std::uint16_t port : upstream_ports) snapshot->upstreams.push_back(upstream(port));
    snapshot->ports.push_back(port_of(std::move(rule)));
    proxy_.emplace(loop_, sockets_, options());
    HG_CHECK(proxy_->start().has_value(), "the proxy starts");
    const Status applied = proxy_->apply(std::move(snapshot));
    EXPECT_TRUE(applied.has_value()) << applied.error().message;
    port_ = sockets_.port;
    control_ = std::thread([this] { loop_.run(); });
  }
  ~LiveProxy() {
    loop_.stop();
    control_.join();
    stop();
    ::unlink(log_path_.c_str());
  }

  std::uint16_t port() const { return port_; }
  std::string ask(const std::string& request) const {
    Wire wire(Wire::connect_to(port_));
    wire.send(request);
    return wire.read_message();
  }
  std::string get(const std::string& target, const std::string& fields = "") const {
    return ask("GET " + target + " HTTP/1.1\r\nhost: shop.example\r\n" + fields + "\r\n");
  }
  std::uint64_t counted(const char* upstream_name, Counter UpstreamStats::*counter) const {
    auto& stats = const_cast<WorkerStats&>(*proxy_->stats().front());
    return (stats.upstream(upstream_name).*counter).value();
  }
  // Ends the workers; what they logged is complete then.
  std::string log() {
    loop_.stop();
    if (control_.joinable()) control_.join();
    stop();
    std::ifstream in(log_path_);
    std::string text(std::istreambuf_iterator<char>(in), {});
    control_ = std::thread([] {});
    return text;
  }

 private:
  class Sockets final : public ListenSockets {
   public:
    Result<io::Fd> open(const std::string& address, std::uint16_t) override {
      auto fd = io::listen_tcp(address, 0);
      if (fd) port = io::local_endpoint(fd->get()).port;
      return fd;
    }
    Result<std::vector<io::Fd>> open_datagram(const std::string&, std::uint16_t,
                                              std::size_t) override {
      return fail(Code::kUnavailable, "there are no UDP ports here");
    }
    void release(const std::string&, std::uint16_t, bool) override {}
    std::uint16_t port = 0;
  };

  void stop() { proxy_.reset(); }
  ProxyOptions options() {
    char name[] = "/tmp/live-proxy-XXXXXX";
    ::close(::mkstemp(name));
    log_path_ = name;
    ProxyOptions out;
    out.cache.state = state_directory_.path;
    out.access_log = log_path_;
    return out;
  }
  static std::shared_ptr<const model::Upstream> upstream(std::uint16_t port) {
    auto out = std::make_shared<model::Upstream>();
    out->name = "default/" + std::to_string(port);
    out->endpoints.push_back({"127.0.0.1", port, 1, 0, ""});
    out->fingerprint = port;
    return out;
  }
  static model::Port port_of(model::Rule rule) {
    rule.route = "HTTPRoute default/route";
    rule.name = "0";
    if (rule.backends.empty()) rule.backends.emplace_back();
    rule.backends[0].upstream = 0;
    rule.weight_sum = 1;
    model::Port port;
    port.address = "127.0.0.1";
    port.port = 80;
    port.listeners.emplace_back();
    model::RouteEntry entry;
    entry.rule = std::make_shared<const model::Rule>(std::move(rule));
    std::vector<model::RouteEntry> entries = {std::move(entry)};
    port.listeners[0].routes = model::build_route_table(std::move(entries));
    return port;
  }

  io::Loop loop_;
  Sockets sockets_;
  io::TestDirectory state_directory_;
  std::string log_path_;
  std::optional<Proxy> proxy_;
  std::uint16_t port_ = 0;
  std::thread control_;
};

}  // namespace headgate::proxy::testing
