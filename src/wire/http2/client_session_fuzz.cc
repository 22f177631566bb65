// Any bytes as an origin's connection: six requests are open, the origin says what it likes.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/prng.h"
#include "wire/http2/client_session.h"

namespace headgate::wire::http2 {
namespace {

class Owner final : public ClientEvents {
 public:
  void on_response(StreamId stream, http::ResponseHead& head, std::string&,
                   bool end_stream) override {
    HG_CHECK(state(stream) == State::kOpen, "a head comes first, once");
    HG_CHECK(head.status >= 100 && head.status <= 599 && head.status != 101, "a valid status");
    if (!http::is_interim(head.status)) streams[stream] = end_stream ? State::kEnded : State::kBody;
  }
  void on_body(StreamId stream, std::string_view bytes, bool end_stream) override {
    HG_CHECK(state(stream) == State::kBody, "content follows a head");
    session->consume(stream, bytes.size() / 2);
    if (end_stream) streams[stream] = State::kEnded;
  }
  void on_trailers(StreamId stream, http::Fields&, std::string&) override {
    HG_CHECK(state(stream) == State::kBody, "trailers follow a head");
    streams[stream] = State::kEnded;
  }
  void on_reset(StreamId stream, const Reset&) override {
    (void)state(stream);
    streams[stream] = State::kEnded;
  }
  void on_writable(StreamId) override {}
  void on_stream_closed(StreamId stream) override {
    HG_CHECK(streams.erase(stream) == 1, "closed once");
  }
  void on_goaway(StreamId, ErrorCode) override {}
  void on_ping_ack(std::uint64_t) override {}
  void on_flood(Flood) override {}
  void on_settings(const PeerSettings&) override {}

  enum class State : std::uint8_t { kOpen, kBody, kEnded };
  std::map<StreamId, State> streams;
  ClientSession* session = nullptr;

 private:
  State state(StreamId stream) {
    const auto at = streams.find(stream);
    HG_CHECK(at != streams.end(), "an event of a stream that is not open");
    return at->second;
  }
};

void open(ClientSession& session, Owner& owner, Prng& prng) {
  static constexpr std::string_view kMethods[] = {"GET", "HEAD", "POST", "CONNECT"};
  http::RequestHead head;
  head.method_text = kMethods[prng.below(4)];
  head.method = http::parse_method(head.method_text);
  head.scheme = "https";
  head.authority = "origin.example";
  head.target = "/";
  const bool end_stream = prng.below(2) == 0;
  const auto id = session.submit_request(head, end_stream);
  if (!id) return;
  owner.streams[*id] = Owner::State::kOpen;
  if (!end_stream) session.send_body(*id, std::string(prng.below(30000), 'u'), prng.below(2) == 0);
}

void run(std::string_view input) {
  Prng prng(static_cast<std::uint8_t>(input.front()));
  input.remove_prefix(1);
  Owner owner;
  ClientSession session(owner, {});
  owner.session = &session;
  for (int i = 0; i < 6; ++i) open(session, owner, prng);
  std::string out;
  session.take_output(out, 100000);
  while (!input.empty()) {
    const std::size_t n = std::min<std::size_t>(input.size(), 1 + prng.below(600));
    const bool alive = session.feed(input.substr(0, n), {}).has_value();
    input.remove_prefix(n);
    out.clear();
    if (!alive || prng.below(2)) session.take_output(out, 1 + prng.below(40000));
    if (!alive || session.is_over()) break;
    if (prng.below(8) == 0) open(session, owner, prng);
    if (prng.below(16) == 0 && !owner.streams.empty())
      session.reset(owner.streams.begin()->first, ErrorCode::kCancel);
    HG_CHECK(session.open_streams() == owner.streams.size(), "both count the same streams");
    HG_CHECK(session.memory_bytes() < 16u << 20, "memory is bounded");
  }
}

}  // namespace
}  // namespace headgate::wire::http2

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 0) headgate::wire::http2::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
