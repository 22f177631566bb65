// Any bytes as a client's connection. The first byte chooses how the input is cut into reads and
// how quickly the owner works; the owner answers, consumes, resets and releases like a proxy does,
// so that states meet in many orders.
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/prng.h"
#include "wire/http2/server_session.h"

namespace headgate::wire::http2 {
namespace {

class Owner final : public ServerEvents {
 public:
  explicit Owner(std::uint8_t seed) : prng_(seed) {}
  void on_request(StreamId stream, http::RequestHead& head, std::string&, bool) override {
    HG_CHECK(open_.insert(stream).second, "a stream is announced once");
    HG_CHECK(!head.method_text.empty() && !head.authority.empty(), "a delivered head is whole");
    for (const http::Field& f : head.fields)
      HG_CHECK(f.value.find_first_of(std::string_view("\r\n\0", 3)) == f.value.npos,
               "no line breaks in values");
    work(stream);
  }
  void on_bad_request(StreamId stream, const BadRequest& bad) override {
    open_.insert(stream);
    session->submit_response(stream, bad.status, {}, true);
  }
  void on_body(StreamId stream, std::string_view bytes, bool) override {
    HG_CHECK(open_.contains(stream), "body of an announced stream");
    if (prng_.below(2)) session->consume(stream, bytes.size());
  }
  void on_trailers(StreamId stream, http::Fields&, std::string&) override {
    HG_CHECK(open_.contains(stream), "trailers");
  }
  void on_reset(StreamId stream, const Reset&) override {
    HG_CHECK(open_.contains(stream), "reset of an announced stream");
  }
  void on_writable(StreamId) override {}
  void on_stream_closed(StreamId stream) override {
    HG_CHECK(open_.erase(stream) == 1, "closed once");
    if (prng_.below(2)) session->release(stream);
  }
  void on_goaway(StreamId, ErrorCode) override {}
  void on_ping_ack(std::uint64_t) override {}
  void on_flood(Flood) override {}

  ServerSession* session = nullptr;

 private:
  void work(StreamId stream) {
    static const http::Fields kFields = {{"x-a", "b", http::FieldId::kOther}};
    switch (prng_.below(6)) {
      case 0: return session->reset(stream, ErrorCode::kCancel);
      case 1: return session->release(stream);
      case 2: return session->submit_response(stream, 204, kFields, true);
      case 3:
        session->submit_interim(stream, 103, kFields);
        session->submit_response(stream, 200, {}, false);
        session->send_body(stream, std::string(prng_.below(100000), 'x'), prng_.below(2) == 0);
        return;
      case 4:
        session->submit_response(stream, 200, kFields, false);
        session->send_body(stream, "x", false);
        return session->submit_trailers(stream, kFields);
      default: return;
    }
  }
  Prng prng_;
  std::set<StreamId> open_;
};

void run(std::string_view input) {
  const auto seed = static_cast<std::uint8_t>(input.front());
  input.remove_prefix(1);
  Limits limits;
  limits.concurrent_streams_max = 8;
  Owner owner(seed);
  ServerSession session(owner, limits);
  owner.session = &session;
  Prng cut(seed);
  // Half of the runs bring the preface, so that the fuzzer spends its bytes on frames.
  if (seed & 1) (void)session.feed("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {});
  std::string out;
  while (!input.empty()) {
    const std::size_t n = std::min<std::size_t>(input.size(), 1 + cut.below(600));
    const bool alive =
        session.feed(input.substr(0, n), {static_cast<std::int64_t>(cut.below(1000)) * 1'000'000})
            .has_value();
    input.remove_prefix(n);
    out.clear();
    if (!alive || cut.below(2)) session.take_output(out, 1 + cut.below(40000));
    if (!alive || session.is_over()) break;
    if (cut.below(50) == 0) session.begin_drain();
    HG_CHECK(session.unreleased() <= limits.concurrent_streams_max, "work is bounded");
    HG_CHECK(session.memory_bytes() < 8u << 20, "memory is bounded");
  }
}

}  // namespace
}  // namespace headgate::wire::http2

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 0) headgate::wire::http2::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
