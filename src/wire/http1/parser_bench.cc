// Cost of one request head: finding its end, parsing it, canonicalising its target; and of a
// chunked body.
#include <benchmark/benchmark.h>

#include <string>

#include "wire/http/message.h"
#include "wire/http1/chunked.h"
#include "wire/http1/head.h"
#include "wire/http1/writer.h"
#include "wire/uri/normalise.h"

namespace headgate::wire::http1 {
namespace {

// 200 bytes, 6 fields.
constexpr std::string_view kGet =
    "GET /products/list?page=2 HTTP/1.1\r\n"
    "Host: shop.example.com\r\n"
    "User-Agent: load/1.0\r\n"
    "Accept: text/html,*/*\r\n"
    "Accept-Encoding: gzip, br\r\n"
    "Cookie: session=0123456789abcdef\r\n"
    "X-Request-Id: 1234567890abcdef\r\n"
    "\r\n";

constexpr std::string_view kOk =
    "HTTP/1.1 200 OK\r\n"
    "Server: origin\r\n"
    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    "Content-Type: text/html; charset=utf-8\r\n"
    "Content-Length: 1024\r\n"
    "Connection: keep-alive\r\n"
    "Cache-Control: max-age=60\r\n"
    "\r\n";

void find_head_end_of_get(benchmark::State& state) {
  for (auto _ : state) {
    std::size_t scanned = 0;
    benchmark::DoNotOptimize(find_head_end(kGet, scanned, {}));
  }
}
BENCHMARK(find_head_end_of_get);

void parse_get(benchmark::State& state) {
  http::RequestHead out;
  for (auto _ : state) {
    benchmark::DoNotOptimize(parse_request_head(kGet, {}, out));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * kGet.size()));
}
BENCHMARK(parse_get);

void find_and_parse_get(benchmark::State& state) {
  http::RequestHead out;
  for (auto _ : state) {
    std::size_t scanned = 0;
    const auto length = find_head_end(kGet, scanned, {});
    benchmark::DoNotOptimize(parse_request_head(kGet.substr(0, **length), {}, out));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(find_and_parse_get);

void parse_response(benchmark::State& state) {
  http::ResponseHead out;
  for (auto _ : state) {
    benchmark::DoNotOptimize(parse_response_head(kOk, http::Method::kGet, {}, out));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(parse_response);

void normalise_target(benchmark::State& state) {
  constexpr std::string_view kTargets[] = {"/products/list?page=2",
                                           "/products/%6cist/../list?page=2"};
  const std::string_view target = kTargets[state.range(0)];
  std::string storage;
  for (auto _ : state) benchmark::DoNotOptimize(uri::normalise(target, {}, storage));
}
BENCHMARK(normalise_target)->Arg(0)->Arg(1);

void look_up_names(benchmark::State& state) {
  constexpr std::string_view kNames[] = {
      "Host",   "User-Agent",   "Accept",         "Accept-Encoding",
      "Cookie", "X-Request-Id", "Sec-Fetch-Dest", "If-None-Match"};
  for (auto _ : state)
    for (const std::string_view name : kNames) benchmark::DoNotOptimize(http::field_id(name));
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * std::size(kNames)));
}
BENCHMARK(look_up_names);

void decode_chunks(benchmark::State& state) {
  std::string body;
  for (int i = 0; i < 8; ++i) {
    append_chunk_head(body, 8192);
    body.append(8192, 'x').append(kCrlf);
  }
  body.append(kLastChunk);
  ChunkedDecoder decoder;
  for (auto _ : state) {
    decoder.reset();
    std::string_view input = body;
    while (decoder.next(input).event == ChunkedDecoder::Event::kData) {
    }
    benchmark::DoNotOptimize(input);
  }
}
BENCHMARK(decode_chunks);

}  // namespace
}  // namespace headgate::wire::http1
