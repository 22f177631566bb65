#include <algorithm>

#include "wire/forwarded/forwarded.h"

namespace headgate::wire::forwarded {
namespace {

void append_existing(std::string& out, std::string_view existing) {
  if (existing.empty()) return;
  out += existing;
  out += ", ";
}

// Always quoted: a colon of a port would need it anyway.
void append_quoted(std::string& out, std::string_view name, std::string_view value) {
  const bool writable = std::ranges::all_of(
      value, [](char c) { return c >= ' ' && c < 0x7f && c != '"' && c != '\\'; });
  if (value.empty() || !writable) return;
  out += name;
  out += '"';
  out += value;
  out += '"';
}

std::string_view received_protocol(http::Version version) {
  switch (version) {
    case http::Version::k10: return "1.0 ";
    case http::Version::k11: return "1.1 ";
    case http::Version::k2: return "2 ";
  }
  return "1.1 ";
}

}  // namespace

void append_x_forwarded_for(std::string& out, std::string_view existing,
                            const ip::IpAddress& client) {
  append_existing(out, existing);
  ip::append_to(out, client);
}

void append_forwarded(std::string& out, std::string_view existing, const OurElement& element) {
  append_existing(out, existing);
  out += element.client.v6 ? "for=\"[" : "for=";
  ip::append_to(out, element.client);
  if (element.client.v6) out += "]\"";
  append_quoted(out, ";host=", element.host);
  append_quoted(out, ";proto=", element.proto);
}

void append_via(std::string& out, std::string_view existing, http::Version version,
                std::string_view name) {
  append_existing(out, existing);
  out += received_protocol(version);
  out += name;
}

}  // namespace headgate::wire::forwarded
