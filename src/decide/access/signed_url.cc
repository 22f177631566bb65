#include "decide/access/signed_url.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/ascii.h"
#include "wire/base64/base64.h"
#include "wire/uri/query.h"

namespace headgate::decide::access {
namespace {

constexpr std::size_t kExpiresDigitsMax = 12;

enum Name : std::size_t { kExpires, kKey, kSignature, kPrefix, kNames };
constexpr std::array<std::string_view, kNames> kSuffixes = {"expires", "key", "signature",
                                                            "prefix"};

class Names {
 public:
  explicit Names(std::string_view prefix) {
    for (std::size_t i = 0; i < kNames; ++i) names_[i].append(prefix).append(kSuffixes[i]);
  }
  const std::string& operator[](Name name) const { return names_[name]; }
  // By the name that any reader of queries would read.
  std::optional<Name> of(std::string_view pair) const {
    const std::string_view name = pair.substr(0, pair.find('='));
    for (std::size_t i = 0; i < kNames; ++i)
      if (wire::uri::query_text_equals(name, names_[i])) return static_cast<Name>(i);
    return std::nullopt;
  }

 private:
  std::array<std::string, kNames> names_;
};

// Every pair, empty ones too: what is left must be put together as it was.
template <typename Visit>
void for_each_pair(std::string_view query, Visit visit) {
  while (true) {
    const std::size_t end = query.find('&');
    visit(query.substr(0, end));
    if (end == std::string_view::npos) return;
    query.remove_prefix(end + 1);
  }
}

struct Presented {
  std::array<std::optional<std::string_view>, kNames> values;
  bool is_repeated = false;
  BareQuery rest;

  bool is_any() const {
    return std::any_of(values.begin(), values.end(), [](const auto& v) { return v.has_value(); });
  }
};

Presented read(std::string_view query, const Names& names) {
  Presented out;
  for_each_pair(query, [&](std::string_view pair) {
    if (const auto name = names.of(pair)) {
      const std::size_t equals = pair.find('=');
      out.is_repeated |= out.values[*name].has_value();
      out.values[*name] =
          equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
      return;
    }
    if (out.rest.is_there) out.rest.text += '&';
    out.rest.text += pair;
    out.rest.is_there = true;
  });
  // A query of nothing at all is one empty pair to the loop above.
  if (query.empty()) out.rest.is_there = false;
  return out;
}

std::optional<std::int64_t> read_expires(std::string_view text) {
  const bool is_sound = !text.empty() && text.size() <= kExpiresDigitsMax && text[0] != '0' &&
                        std::all_of(text.begin(), text.end(), is_digit);
  if (!is_sound) return std::nullopt;
  return static_cast<std::int64_t>(*parse_decimal(text));
}

const model::SignedUrls::Key* find_key(const model::SignedUrls& policy, std::string_view id) {
  for (const auto& key : policy.keys)
    if (key.id == id) return &key;
  return nullptr;
}

struct Claim {
  std::string_view host, expires, address, prefix, path;
  const BareQuery& query;
};

std::string signed_text(const Claim& claim) {
  std::string out = "headgate-url-v1\n";
  out.append(claim.host).append("\n").append(claim.expires).append("\n");
  out.append(claim.address).append("\n");
  if (!claim.prefix.empty()) return out.append("prefix\n").append(claim.prefix);
  out.append("path\n").append(claim.path);
  if (claim.query.is_there) out.append("?").append(claim.query.text);
  return out;
}

// Empty when there is no memory for it.
std::string signature_of(const Claim& claim, std::string_view secret) {
  const std::string text = signed_text(claim);
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac;
  unsigned int size = 0;
  if (!HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
            reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(), &size))
    return {};
  return wire::base64::encode_url({reinterpret_cast<const char*>(mac.data()), size});
}

// The texts are compared, so there is one spelling of a signature.
bool is_same(std::string_view presented, const std::string& expected) {
  return !expected.empty() && presented.size() == expected.size() &&
         CRYPTO_memcmp(presented.data(), expected.data(), expected.size()) == 0;
}

bool stands_for(const SignedUrlRequest& request, const model::SignedUrls& policy,
                const std::optional<std::string_view>& prefix) {
  return !prefix ||
         (policy.prefix_allowed && is_url_prefix(*prefix) && request.path.starts_with(*prefix));
}

}  // namespace

Reason check_signed_url(const model::SignedUrls& policy, const SignedUrlRequest& request) {
  using wire::http::Method;
  const Presented presented = read(request.query, Names(policy.parameter_prefix));
  if (!presented.is_any()) return Reason::kUrlUnsigned;
  if (request.method != Method::kGet && request.method != Method::kHead) return Reason::kUrlMethod;
  const auto& [expires, id, signature, prefix] = presented.values;
  if (presented.is_repeated || !expires || !id || !signature ||
      !stands_for(request, policy, prefix))
    return Reason::kUrlMalformed;
  const auto expires_s = read_expires(*expires);
  if (!expires_s) return Reason::kUrlMalformed;
  const model::SignedUrls::Key* key = find_key(policy, *id);
  if (!key) return Reason::kUrlKeyUnknown;
  const std::string address = policy.bind_address ? to_string(request.client) : std::string();
  const std::string expected =
      signature_of({request.host, *expires, address, prefix.value_or(std::string_view()),
                    request.path, presented.rest},
                   key->secret);
  if (!is_same(*signature, expected)) return Reason::kUrlSignatureWrong;
  return request.now.seconds() < *expires_s ? Reason::kNone : Reason::kUrlExpired;
}

BareQuery without_signature(std::string_view query, std::string_view parameter_prefix) {
  return read(query, Names(parameter_prefix)).rest;
}

bool has_signature(std::string_view query, std::string_view parameter_prefix) {
  return read(query, Names(parameter_prefix)).is_any();
}

std::string sign_url(const UrlToSign& url, const model::SignedUrls::Key& key,
                     std::string_view parameter_prefix) {
  const Names names(parameter_prefix);
  const std::string expires = std::to_string(url.expires_s);
  std::string out = names[kExpires] + "=" + expires + "&" + names[kKey] + "=" + key.id;
  if (!url.prefix.empty()) out.append("&").append(names[kPrefix]).append("=").append(url.prefix);
  const std::string signature =
      signature_of({url.host, expires, url.address, url.prefix, url.path, url.query}, key.secret);
  return out.append("&").append(names[kSignature]).append("=").append(signature);
}

bool is_url_prefix(std::string_view text) {
  return text.starts_with('/') && text.ends_with('/') &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return c > 0x20 && c < 0x7f && c != '?' && c != '&' && c != '#';
         });
}

}  // namespace headgate::decide::access
