#include "app/cache_pages.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "app/log.h"
#include "base/ascii.h"
#include "roles/proxy/cache/explain.h"
#include "roles/proxy/cache/purge_book.h"
#include "roles/proxy/cache/query_policies.h"
#include "wire/uri/query.h"

namespace headgate::app {

using observe::Answer;
using observe::Request;
using proxy::NumberedOrder;
using proxy::PurgeReceipt;

namespace {

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Answer refusal(int status, const std::string& message) {
  return {.status = status,
          .content_type = observe::kJson,
          .body = fmt::format("{{\"error\":{}}}\n", quoted(message))};
}

std::string head_of(const NumberedOrder& order) {
  return fmt::format("\"id\":{},\"time\":\"{}\"", order.id, timestamp(order.time.ns));
}

Answer answer_of(const proxy::PurgeBook::Outcome& outcome) {
  if (!outcome)
    return refusal(outcome.error().code == Code::kInvalid ? 400 : 503, outcome.error().message);
  const PurgeReceipt& receipt = *outcome;
  std::string more =
      fmt::format("{},\"knownBefore\":{},\"durable\":{},\"memoryEffectiveMicroseconds\":{}",
                  head_of(receipt.numbered), receipt.known_before, receipt.durable,
                  receipt.memory_effective_us);
  if (receipt.disk_effective_us)
    more += fmt::format(",\"diskEffectiveMicroseconds\":{}", *receipt.disk_effective_us);
  if (!receipt.trouble.empty()) more += ",\"trouble\":" + quoted(receipt.trouble);
  return {.status = 200,
          .content_type = observe::kJson,
          .body = proxy::to_json(receipt.numbered.order, more) + "\n"};
}

}  // namespace

void CachePages::add_to(observe::Site& site) {
  site.add_post<&CachePages::purge>(
      "/cache/purge", "POST of JSON: takes out of the cache what it names; answers with a receipt",
      this);
  site.add<&CachePages::purges>("/cache/purges", "JSON: the purges with larger ids than ?since=ID",
                                this);
  site.add<&CachePages::explain>(
      "/cache/explain",
      "JSON: why ?url=URL is answered from the cache or not; &method=, &header=NAME:VALUE", this);
}

void CachePages::purge(const Request& request, observe::Reply reply) {
  auto order = proxy::read_purge(request.body);
  if (!order) return reply.give(refusal(400, order.error().message));
  const auto keys = order->order.scope == proxy::PurgeScope::kUrl && current_.snapshot
                        ? proxy::query_policies(*current_.snapshot)
                        : std::vector<const model::CacheKeyPolicy*>();
  proxy_->cache().purges().carry_out(
      std::move(*order), keys, [this, reply](const proxy::PurgeBook::Outcome& outcome) {
        // Without room the asker is closed after a while, and asks again: an order twice does no
        // harm.
        [[maybe_unused]] const bool is_told = loop_.mailbox().post(
            [reply, answer = answer_of(outcome)]() mutable { reply.give(answer); });
      });
}

Answer CachePages::purges(const Request& request) {
  std::uint64_t since = 0;
  const std::string_view value =
      request.query.starts_with("since=") ? request.query.substr(6) : std::string_view();
  const auto read = std::from_chars(value.data(), value.data() + value.size(), since);
  const bool is_number = read.ec == std::errc() && read.ptr == value.data() + value.size();
  if (!request.query.empty() && !is_number)
    return refusal(400, "?since=ID is expected, with the id of the last purge that is known");
  const auto found = proxy_->cache().purges().orders_since(since);
  std::string body =
      fmt::format("{{\"newest\":{},\"complete\":{},\"orders\":[", found.newest, found.is_complete);
  std::string_view comma = "\n";
  for (const NumberedOrder& one : found.orders) {
    body += comma;
    body += proxy::to_json(one.order, head_of(one));
    comma = ",\n";
  }
  body += "]}\n";
  return {.status = 200, .content_type = observe::kJson, .body = std::move(body)};
}

Answer CachePages::explain(const Request& request) {
  std::string url, method = "GET";
  std::vector<std::string> headers;
  headers.reserve(wire::uri::kQueryPairsMax);  // what is viewed stays where it is
  proxy::CacheQuestion question;
  wire::uri::QueryPairs pairs(request.query);
  for (wire::uri::QueryPair pair; pairs.next(pair);) {
    std::string value;
    wire::uri::append_query_text(value, pair.value);
    if (pair.name == "url") {
      url = value;
    } else if (pair.name == "method") {
      method = value;
    } else if (pair.name == "header") {
      std::string_view text = headers.emplace_back(std::move(value));
      const std::string_view name = take_until(text, ':');
      if (name.empty() || headers.back().size() == name.size())
        return refusal(400, "header: 'Name: value' is expected");
      question.fields.push_back({name, trim_ows(text), wire::http::field_id(name)});
    } else {
      return refusal(
          400, fmt::format("unknown parameter '{}': url, method and header are known", pair.name));
    }
  }
  if (url.empty()) return refusal(400, "?url=URL is expected");
  question.url = url;
  question.method = method;
  auto answer =
      proxy::explain(question, *current_.snapshot, proxy_->cache(), loop_.now(), loop_.wall());
  if (!answer) return refusal(400, "url: " + answer.error().message);
  return {.status = 200, .content_type = observe::kJson, .body = std::move(*answer)};
}

}  // namespace headgate::app
