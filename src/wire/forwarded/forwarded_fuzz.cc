#include <array>

#include "base/check.h"
#include "wire/forwarded/forwarded.h"

// Whatever a client sends, what a trusted proxy appended reads the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate::wire;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ip::IpAddress peer = ip::ipv4(10, 0, 0, 1), client = ip::ipv4(192, 0, 2, 7);
  const auto only_peer = [&](const ip::IpAddress& a) { return a == peer; };
  std::string appended;
  forwarded::append_forwarded(appended, text, {client, "h", "http"});
  std::array<std::string_view, 1> values = {appended};
  HG_CHECK(client_address(forwarded::Forwarded(values), peer, only_peer) == client, "Forwarded");
  std::string list;
  forwarded::append_x_forwarded_for(list, text, client);
  values = {list};
  HG_CHECK(client_address(forwarded::XForwardedFor(values), peer, only_peer) == client,
           "X-Forwarded-For");
  const auto everyone = [](const ip::IpAddress&) { return true; };
  (void)client_address(forwarded::Forwarded(values), peer, everyone);
  (void)forwarded::count_in_via(text, "headgate");
  return 0;
}
