#include "io/fetch.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/ascii.h"
#include "base/check.h"

namespace headgate::io {

namespace {

constexpr std::size_t kHeadersMax = 64;

void initialise_library() {
  static std::once_flag once;
  std::call_once(once,
                 [] { HG_CHECK(curl_global_init(CURL_GLOBAL_ALL) == CURLE_OK, "libcurl starts"); });
}

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

Code code_of(CURLcode result) {
  switch (result) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT: return Code::kInvalid;
    case CURLE_OPERATION_TIMEDOUT: return Code::kTimeout;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE: return Code::kDenied;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_FILESIZE_EXCEEDED: return Code::kExhausted;
    default: return Code::kUnavailable;
  }
}

bool is_clean(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

Status check(const FetchRequest& request) {
  if (request.method != "GET" && request.method != "HEAD" && request.method != "POST") {
    return fail(Code::kInvalid, fmt::format("fetch {}: method '{}' is not GET, HEAD or POST",
                                            request.url, request.method));
  }
  if (request.headers.size() > kHeadersMax) {
    return fail(Code::kExhausted,
                fmt::format("fetch {}: more than {} headers", request.url, kHeadersMax));
  }
  for (const auto& [name, value] : request.headers) {
    if (!name.empty() && is_clean(name) && is_clean(value) && name.find(':') == std::string::npos)
      continue;
    return fail(Code::kInvalid,
                fmt::format("fetch {}: header '{}' cannot be sent", request.url, name));
  }
  if (!request.url.empty() && is_clean(request.url)) return {};
  return fail(Code::kInvalid, "fetch: the URL is empty or holds a line break");
}

struct Exchange {
  FetchRequest request;
  Fetcher::Done done;
  FetchResponse response;
  std::size_t header_bytes = 0;
  bool too_long = false;
  std::unique_ptr<curl_slist, FreeList> headers;
  std::unique_ptr<CURL, FreeEasy> easy;
  char reason[CURL_ERROR_SIZE] = {};
};

std::size_t on_body(char* bytes, std::size_t, std::size_t count, void* to) {
  auto& transfer = *static_cast<Exchange*>(to);
  transfer.too_long = transfer.response.body.size() + count > transfer.request.body_bytes_max;
  if (transfer.too_long) return 0;
  transfer.response.body.append(bytes, count);
  return count;
}

std::size_t on_header(char* bytes, std::size_t, std::size_t count, void* to) {
  auto& transfer = *static_cast<Exchange*>(to);
  transfer.header_bytes += count;
  transfer.too_long = transfer.header_bytes > Fetcher::kHeaderBytesMax;
  if (transfer.too_long) return 0;
  std::string_view line(bytes, count);
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  if (line.starts_with("HTTP/"))
    transfer.response.headers.clear();  // of a redirect, or an interim response
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return count;
  transfer.response.headers.emplace_back(to_lower(line.substr(0, colon)),
                                         trim_ows(line.substr(colon + 1)));
  return count;
}

void set_body_and_headers(Exchange& transfer) {
  CURL* easy = transfer.easy.get();
  const FetchRequest& request = transfer.request;
  const auto append = [&](const std::string& line) {
    curl_slist* longer = curl_slist_append(transfer.headers.get(), line.c_str());
    if (!longer) return;
    transfer.headers.release();
    transfer.headers.reset(longer);
  };
  // "name;" is libcurl's way to send an empty value.
  for (const auto& [name, value] : request.headers)
    append(value.empty() ? name + ";" : name + ": " + value);
  append("Expect:");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers.get());
  if (request.method == "HEAD") curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  if (request.method != "POST") return;
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
}

void set_rules(Exchange& transfer) {
  CURL* easy = transfer.easy.get();
  const FetchRequest& request = transfer.request;
  const bool tls = equals_ignore_case(std::string_view(request.url).substr(0, 8), "https://");
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, tls ? "https" : "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION,
                   request.method != "POST" && request.redirects_max > 0 ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, static_cast<long>(request.redirects_max));
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "headgate");
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(request.timeout).count();
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, std::max(static_cast<long>(milliseconds), 1L));
  if (!request.ca_pem.empty()) {
    curl_blob blob{const_cast<char*>(request.ca_pem.data()), request.ca_pem.size(),
                   CURL_BLOB_NOCOPY};
    curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  }
}

void set_receivers(Exchange& transfer) {
  CURL* easy = transfer.easy.get();
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.reason);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
}

Result<FetchResponse> outcome_of(Exchange& transfer, CURLcode result) {
  if (result == CURLE_OK) {
    long status = 0;
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
    transfer.response.status = static_cast<int>(status);
    return std::move(transfer.response);
  }
  if (transfer.too_long) {
    return fail(Code::kExhausted,
                fmt::format("fetch {}: the response is longer than {} bytes", transfer.request.url,
                            transfer.request.body_bytes_max),
                Source::kOrigin);
  }
  const char* reason = transfer.reason[0] != 0 ? transfer.reason : curl_easy_strerror(result);
  Error error{code_of(result), Source::kOrigin, transfer.request.method != "POST",
              fmt::format("fetch {}: {}", transfer.request.url, reason)};
  return std::unexpected(std::move(error));
}

}  // namespace

std::string_view FetchResponse::header(std::string_view name) const {
  const auto it = std::ranges::find_if(
      headers, [&](const auto& field) { return equals_ignore_case(field.first, name); });
  return it == headers.end() ? std::string_view() : std::string_view(it->second);
}

struct Fetcher::State {
  class Socket : public EventHandler {
   public:
    Socket(State& state, curl_socket_t fd) : state_(state), fd_(fd) {}
    void on_io(std::uint32_t events) override {
      const bool failed = (events & (EPOLLERR | EPOLLHUP)) != 0;
      state_.act(fd_, ((events & EPOLLIN) ? CURL_CSELECT_IN : 0) |
                          ((events & EPOLLOUT) ? CURL_CSELECT_OUT : 0) |
                          (failed ? CURL_CSELECT_ERR : 0));
    }

   private:
    State& state_;
    curl_socket_t fd_;
  };
  struct Finished {
    std::unique_ptr<Exchange> exchange;
    Result<FetchResponse> outcome;
  };

  State(Loop& l, std::size_t limit);
  ~State();
  void act(curl_socket_t fd, int events);
  void on_timer() { act(CURL_SOCKET_TIMEOUT, 0); }
  void watch(curl_socket_t fd, int what);
  void collect();
  void finish(std::unique_ptr<Exchange> transfer, Result<FetchResponse> outcome);
  void deliver();

  Loop& loop;
  std::size_t fetches_max;
  CURLM* multi = nullptr;
  bool* destroyed = nullptr;  // set while callbacks run, which may destroy the fetcher
  std::unordered_map<curl_socket_t, std::unique_ptr<Socket>> sockets;
  std::unordered_map<Exchange*, std::unique_ptr<Exchange>> transfers;
  std::vector<Finished> finished;
  MemberTimer<&State::on_timer> timer{this};
  Deferred delivery{[](void* s) { static_cast<State*>(s)->deliver(); }, this};
};

Fetcher::State::State(Loop& l, std::size_t limit) : loop(l), fetches_max(limit) {
  initialise_library();
  multi = curl_multi_init();
  HG_CHECK(multi != nullptr, "out of memory");
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 8L);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
  const auto on_socket = +[](CURL*, curl_socket_t fd, int what, void* self, void*) {
    static_cast<State*>(self)->watch(fd, what);
    return 0;
  };
  const auto on_wait = +[](CURLM*, long milliseconds, void* self) {
    State& state = *static_cast<State*>(self);
    if (milliseconds < 0) {
      state.loop.disarm(state.timer);
    } else {
      state.loop.arm(state.timer, std::chrono::milliseconds(milliseconds));
    }
    return 0;
  };
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_wait);
}

Fetcher::State::~State() {
  if (destroyed) *destroyed = true;
  for (const auto& [raw, transfer] : transfers) curl_multi_remove_handle(multi, raw->easy.get());
  transfers.clear();
  curl_multi_cleanup(multi);
  for (auto& [fd, socket] : sockets) loop.retire(std::move(socket));
}

void Fetcher::State::watch(curl_socket_t fd, int what) {
  const std::uint32_t events =
      ((what & CURL_POLL_IN) ? EPOLLIN : 0u) | ((what & CURL_POLL_OUT) ? EPOLLOUT : 0u);
  const auto it = sockets.find(fd);
  if (what == CURL_POLL_REMOVE) {
    if (it == sockets.end()) return;
    loop.remove(fd);
    loop.retire(std::move(it->second));
    sockets.erase(it);
  } else if (it != sockets.end()) {
    loop.modify(fd, events, *it->second);
  } else {
    auto socket = std::make_unique<Socket>(*this, fd);
    // Without it the fetch runs into its timeout, which is answered.
    if (loop.add(fd, events, *socket)) sockets.emplace(fd, std::move(socket));
  }
}

void Fetcher::State::act(curl_socket_t fd, int events) {
  int running = 0;
  curl_multi_socket_action(multi, fd, events, &running);
  collect();
}

void Fetcher::State::collect() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode result = message->data.result;
    CURL* easy = message->easy_handle;
    char* raw = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &raw);
    curl_multi_remove_handle(multi, easy);
    auto node = transfers.extract(reinterpret_cast<Exchange*>(raw));
    HG_CHECK(!node.empty(), "a finished fetch is one of ours");
    Result<FetchResponse> outcome = outcome_of(*node.mapped(), result);
    finish(std::move(node.mapped()), std::move(outcome));
  }
}

void Fetcher::State::finish(std::unique_ptr<Exchange> transfer, Result<FetchResponse> outcome) {
  finished.push_back({std::move(transfer), std::move(outcome)});
  loop.defer(delivery);
}

void Fetcher::State::deliver() {
  bool gone = false;
  destroyed = &gone;
  for (Finished& one : std::exchange(finished, {})) {
    one.exchange->done(std::move(one.outcome));
    if (gone) return;
  }
  destroyed = nullptr;
}

Fetcher::Fetcher(Loop& loop, std::size_t fetches_max)
    : state_(std::make_unique<State>(loop, fetches_max)) {}
Fetcher::~Fetcher() = default;

void Fetcher::start(FetchRequest request, Done done) {
  State& state = *state_;
  auto transfer = std::make_unique<Exchange>();
  transfer->request = std::move(request);
  transfer->done = std::move(done);
  Status checked = check(transfer->request);
  if (checked && state.transfers.size() >= state.fetches_max) {
    checked = fail(Code::kExhausted, fmt::format("fetch {}: {} fetches are under way already",
                                                 transfer->request.url, state.fetches_max));
  }
  transfer->easy.reset(checked ? curl_easy_init() : nullptr);
  if (checked && !transfer->easy) checked = fail(Code::kExhausted, "fetch: out of memory");
  if (!checked)
    return state.finish(std::move(transfer), std::unexpected(std::move(checked.error())));
  set_rules(*transfer);
  set_receivers(*transfer);
  set_body_and_headers(*transfer);
  Exchange* raw = transfer.get();
  state.transfers.emplace(raw, std::move(transfer));
  curl_multi_add_handle(state.multi, raw->easy.get());  // arms the timer, which starts the work
}

}  // namespace headgate::io
