#pragma once
// Requests and responses of the cache's tests, written as fields; times in seconds after kNow.
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "decide/cache/control.h"
#include "decide/cache/record.h"
#include "decide/cache/request.h"
#include "decide/cache/storability.h"
#include "wire/http/date.h"
#include "wire/http/message.h"

namespace headgate::decide::cache::testing {

using FieldList = std::initializer_list<std::pair<std::string_view, std::string_view>>;

inline constexpr std::int64_t kNowSeconds = 1'700'000'000;  // Tue, 14 Nov 2023 22:13:20 GMT

constexpr WallTime at(double seconds) {
  return {kNowSeconds * 1'000'000'000 + static_cast<std::int64_t>(seconds * 1e9)};
}

inline std::string date(double seconds) {
  std::string out;
  wire::http::append_date(out, at(seconds));
  return out;
}

inline wire::http::Fields fields(FieldList list) {
  wire::http::Fields out;
  for (const auto& [name, value] : list) out.push_back({name, value, wire::http::field_id(name)});
  return out;
}

inline wire::http::RequestHead get(FieldList list = {}, std::string_view target = "/") {
  wire::http::RequestHead head;
  head.method_text = "GET";
  head.scheme = "https";
  head.authority = head.host = "a.example";
  head.target = target;
  head.fields = fields(list);
  return head;
}

inline RequestFacts facts(FieldList list = {}, const model::CachePolicy& policy = {}) {
  return read_request(get(list), policy);
}

// The record of a response that was asked for and received at `received`.
inline model::StoredResponse record(int status, FieldList list, double received = 0,
                                    const model::CachePolicy& policy = {}) {
  const auto response = fields(list);
  const auto governing = governing_control(response, policy);
  return describe(status, response, governing, {at(received), at(received)}, std::nullopt);
}

// Whether a response to GET is stored, and why.
inline Reason stores(int status, FieldList response_list, FieldList request_list = {},
                     const model::CachePolicy& policy = {}) {
  const auto response = fields(response_list);
  const auto governing = governing_control(response, policy);
  const auto made = describe(status, response, governing, {at(0), at(0)}, std::nullopt);
  return may_store(facts(request_list, policy), response, governing, made, policy);
}

}  // namespace headgate::decide::cache::testing
