#include "roles/proxy/cache/shield.h"

#include "base/ascii.h"
#include "base/siphash.h"
#include "roles/proxy/cache/labels.h"
#include "wire/http/element_list.h"

namespace headgate::proxy {
namespace {

constexpr std::string_view kInstance = "instance=";
constexpr SipKey kHomeKey{0x486f6d65206f6620, 0x612055524c206865};  // no secret: edges must agree

Asker asker_of(std::string_view member, std::string_view pseudonym, std::string_view instance) {
  const std::string_view id = trim_ows(take_until(member, ';'));
  if (!equals_ignore_case(id, pseudonym)) return Asker::kClient;
  while (!member.empty()) {
    const std::string_view parameter = trim_ows(take_until(member, ';'));
    if (parameter.starts_with(kInstance) && parameter.substr(kInstance.size()) == instance)
      return Asker::kSelf;
  }
  return Asker::kEdge;
}

}  // namespace

Asker asker_of(const wire::http::Fields& request, std::string_view pseudonym,
               std::string_view instance) {
  Asker found = Asker::kClient;
  for (const wire::http::Field& field : request) {
    if (!equals_ignore_case(field.name, "cdn-loop")) continue;
    wire::http::ElementList list(field.value);
    for (std::string_view member; list.next(member);)
      found = std::max(found, asker_of(member, pseudonym, instance));
  }
  return found;
}

void append_loop_member(std::string& out, std::string_view pseudonym, std::string_view instance) {
  out.append(pseudonym).append("; ").append(kInstance).append(instance);
}

std::uint64_t home_hash(const decide::cache::KeyInput& url) {
  std::string text;
  append_url_label(text, url);
  return SipHash<>::hash(text, kHomeKey).low;
}

}  // namespace headgate::proxy
