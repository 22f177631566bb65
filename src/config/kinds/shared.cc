#include <fmt/format.h>

#include <array>
#include <string>

#include "config/kinds/tables.h"
#include "config/syntax.h"
#include "config/value.h"

namespace headgate::config::kinds {

Schema object_name() { return text(253).as(syntax::kObjectName); }
Schema namespace_name() { return text(63).as(syntax::kLabel); }
Schema section_name() { return text(253).as(syntax::kSectionName); }
Schema port() { return integer(1, 65535); }

Schema parent_refs() {
  return list(object({
                  {"group", text(253).or_else(kGatewayGroup), "API group of the parent."},
                  {"kind", text(63).or_else("Gateway").one_of({"Gateway", "ListenerSet"}),
                   "Kind of the parent."},
                  {"namespace", namespace_name(),
                   "Namespace of the parent; the route's own when absent. The listener must allow "
                   "it."},
                  {"name", object_name().required(), "Name of the parent."},
                  {"sectionName", section_name(), "Attaches to the listener of this name alone."},
                  {"port", port(), "Attaches to listeners on this port alone."},
              }),
              32)
      .unique_by({"group", "kind", "namespace", "name", "sectionName", "port"});
}

Schema hostnames() { return list(text(253).as(syntax::kHostname), 16).unique_by({""}); }

Schema backend_ref(std::vector<Field> more) {
  return extend(
      object({
          {"group", text(253).or_else(""), "API group: headgate.io."},
          {"kind", text(63).or_else("Service"),
           "Kind: Upstream. The default of the Gateway API, Service, does not exist here."},
          {"name", object_name().required(), "Name of the Upstream."},
          {"namespace", namespace_name(),
           "Namespace of the Upstream; the route's own when absent. Another one needs a "
           "ReferenceGrant there."},
          {"port", port(), "Ignored for an Upstream, whose endpoints have ports of their own."},
      }),
      std::move(more));
}

Schema header_edits() {
  const Schema header = object({
      {"name", text(256).as(syntax::kHeaderName).required(), "Header name."},
      {"value", text(4096).as(syntax::kHeaderValue).size(1, 4096).required(), "Header value."},
  });
  return object({
      {"set", list(header, 16).unique_by({"name"}),
       "Headers that replace every value of that name."},
      {"add", list(header, 16).unique_by({"name"}), "Headers that are appended to what is there."},
      {"remove", list(text(256).as(syntax::kHeaderName), 16).unique_by({""}),
       "Names of headers that are taken out."},
  });
}

Schema target_refs(std::vector<std::string_view> kinds_allowed) {
  return list(object({
                  {"group", text(253).or_else(kGatewayGroup), "API group of the target."},
                  {"kind", text(63).one_of(std::move(kinds_allowed)).required(),
                   "Kind of the target."},
                  {"name", object_name().required(),
                   "Name of the target, in the policy's own namespace."},
                  {"sectionName", section_name(),
                   "One listener of a Gateway, or one named rule of a route; the whole target when "
                   "absent."},
              }),
              16)
      .size(1, 16)
      .unique_by({"group", "kind", "name", "sectionName"})
      .required();
}

Schema upstream_ref() {
  return object({
      {"group", text(253).or_else(kHeadgateGroup), "API group of the backend."},
      {"kind", text(63).or_else("Upstream").one_of({"Upstream"}), "Kind of the backend."},
      {"name", object_name().required(), "Name of the Upstream."},
      {"namespace", namespace_name(),
       "Namespace of the Upstream; the own one when absent. Another one needs a ReferenceGrant "
       "there."},
  });
}

Schema secret_ref() {
  return object({
      {"group", text(253).or_else(""), "API group: the core group, written as an empty text."},
      {"kind", text(63).or_else("Secret").one_of({"Secret"}), "Kind of the object."},
      {"name", object_name().required(), "Name of the Secret."},
      {"namespace", namespace_name(),
       "Namespace of the Secret; the object's own when absent. Another one needs a ReferenceGrant "
       "there."},
  });
}

Schema config_ref() {
  return object({
      {"group", text(253).or_else(""), "API group: the core group, written as an empty text."},
      {"kind", text(63).or_else("ConfigMap").one_of({"ConfigMap", "Secret"}),
       "Kind of the object that holds the certificates under the key ca.crt."},
      {"name", object_name().required(), "Name of the object."},
      {"namespace", namespace_name(),
       "Namespace of the object; the referrer's own when absent. Another one needs a "
       "ReferenceGrant there."},
  });
}

Schema hash_keys(std::string_view) {
  return list(
      object({
                 {"type",
                  text()
                      .one_of({"SourceAddress", "Header", "Cookie", "QueryParameter", "Path"})
                      .required(),
                  "What is read from the request."},
                 {"name", text(256).as(syntax::kHeaderName),
                  "Name of the header, cookie or query parameter."},
             })
          .where("`name` is set for Header, Cookie and QueryParameter, and for them alone",
                 [](const Json& value, const Place& place) {
                   const std::string_view type = text_of(value, "type");
                   const bool wanted =
                       type == "Header" || type == "Cookie" || type == "QueryParameter";
                   if (wanted && !find(value, "name"))
                     Place(place, "name").error(fmt::format("required for type {}", type));
                   if (!wanted && find(value, "name"))
                     Place(place, "name").error(fmt::format("not allowed for type {}", type));
                 }),
      8);
}

void check_union(const Json& value, const Place& place, const std::vector<Variant>& variants) {
  const std::string_view type = text_of(value, "type");
  for (const Variant& variant : variants) {
    const bool wanted = variant.type == type;
    const bool there = find(value, variant.field) != nullptr;
    if (wanted && !there)
      Place(place, variant.field).error(fmt::format("required for type {}", type));
    if (!wanted && there)
      Place(place, variant.field).error(fmt::format("not allowed for type {}", type));
  }
}

const std::vector<Variant> kFilterVariants = {
    {"RequestHeaderModifier", "requestHeaderModifier"},
    {"ResponseHeaderModifier", "responseHeaderModifier"},
    {"RequestRedirect", "requestRedirect"},
    {"URLRewrite", "urlRewrite"},
    {"RequestMirror", "requestMirror"},
    {"CORS", "cors"},
};

void check_filters(const Json& filters, const Place& place) {
  std::vector<std::string_view> seen;
  bool redirect = false, rewrite = false;
  for (std::size_t i = 0; i < filters.size(); ++i) {
    const std::string_view type = text_of(filters[i], "type");
    redirect |= type == "RequestRedirect";
    rewrite |= type == "URLRewrite";
    if (type == "RequestMirror") continue;
    for (const std::string_view before : seen)
      if (before == type)
        Place(place, i).error(fmt::format("expected filter {} at most once", type));
    seen.push_back(type);
  }
  if (redirect && rewrite) place.error("expected RequestRedirect or URLRewrite, not both");
}

}  // namespace headgate::config::kinds
