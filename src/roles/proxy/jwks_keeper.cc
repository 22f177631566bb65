#include "roles/proxy/jwks_keeper.h"

#include <algorithm>
#include <utility>

#include "decide/access/limits.h"

namespace headgate::proxy {

namespace access = decide::access;

struct JwksKeeper::Kept {
  std::string url;
  Duration refresh;
  std::weak_ptr<JwksSource> source;
  Instant adopted, started, next;
  std::uint32_t failures = 0;
  std::string error;
  bool fetching = false, had_outcome = false;
};

JwksKeeper::JwksKeeper(io::Loop& loop, std::uint64_t seed, JwksPace pace)
    : loop_(loop), pace_(pace), prng_(seed), fetcher_(loop) {}
JwksKeeper::~JwksKeeper() = default;

std::shared_ptr<JwksSource> JwksKeeper::source_of(const std::string& url, Duration refresh) {
  std::shared_ptr<const access::Jwks> known;
  for (const auto& kept : kept_) {
    auto source = kept->source.lock();
    if (!source || kept->url != url) continue;
    if (kept->refresh == refresh) return source;
    known = source->current();
  }
  auto source = std::make_shared<JwksSource>();
  if (known) source->publish(std::move(known));
  const Instant now = loop_.now();
  kept_.push_back(std::make_shared<Kept>(Kept{url, refresh, source, now, now, now}));
  fetch(*kept_.back());
  if (!tick_.armed()) loop_.arm(tick_, pace_.tick);
  return source;
}

// Also forgets sources that nobody holds any more.
void JwksKeeper::tick() {
  std::erase_if(kept_, [](const auto& kept) { return kept->source.expired(); });
  for (const auto& kept : kept_) {
    if (kept->fetching) continue;
    const auto source = kept->source.lock();
    const bool asked = source && source->asked_.load(std::memory_order_relaxed);
    const bool may_ask = asked && loop_.now() >= kept->started + pace_.ask_again_min;
    if (may_ask || loop_.now() >= kept->next) fetch(*kept);
  }
  if (!kept_.empty()) loop_.arm(tick_, pace_.tick);
}

// The answer finds its source only if that is still wanted.
void JwksKeeper::fetch(Kept& kept) {
  kept.fetching = true;
  kept.started = loop_.now();
  if (const auto source = kept.source.lock()) source->asked_.store(false, std::memory_order_relaxed);
  stats_.fetches.add();
  io::FetchRequest request;
  request.url = kept.url;
  request.headers = {{"accept", "application/jwk-set+json, application/json"}};
  request.body_bytes_max = access::kJwksBytesMax;
  request.timeout = pace_.fetch_timeout;
  const auto same = std::find_if(kept_.begin(), kept_.end(), [&](const auto& k) { return k.get() == &kept; });
  const std::weak_ptr<Kept> weak = *same;
  fetcher_.start(std::move(request), [this, weak](Result<io::FetchResponse> response) {
    if (const auto still = weak.lock()) on_fetched(*still, std::move(response));
  });
}

void JwksKeeper::on_fetched(Kept& kept, Result<io::FetchResponse> response) {
  kept.fetching = false;
  kept.had_outcome = true;
  if (!response) return on_failed(kept, response.error().message);
  if (response->status != 200) return on_failed(kept, "status " + std::to_string(response->status));
  auto parsed = access::parse_jwks(response->body);
  if (!parsed) return on_failed(kept, parsed.error().message);
  kept.failures = 0;
  kept.error.clear();
  // A tenth of jitter, so that the edges of a fleet do not ask in step.
  const auto jitter = static_cast<std::uint64_t>(kept.refresh.count() / 10 + 1);
  kept.next = loop_.now() + kept.refresh - Duration(static_cast<std::int64_t>(prng_.below(jitter)));
  if (const auto source = kept.source.lock()) source->publish(std::make_shared<const access::Jwks>(std::move(*parsed)));
}

void JwksKeeper::on_failed(Kept& kept, std::string message) {
  stats_.failures.add();
  ++kept.failures;
  kept.error = std::move(message);
  const Duration backoff = pace_.retry_min * (1 << std::min(kept.failures - 1, 10U));
  kept.next = loop_.now() + std::min(backoff, std::max(kept.refresh, pace_.retry_min));
}

bool JwksKeeper::settled() const {
  return std::all_of(kept_.begin(), kept_.end(), [&](const auto& kept) {
    return kept->had_outcome || kept->source.expired() || loop_.now() >= kept->adopted + pace_.settle_max;
  });
}

std::vector<JwksStatus> JwksKeeper::status() const {
  std::vector<JwksStatus> out;
  for (const auto& kept : kept_) {
    const auto source = kept->source.lock();
    if (!source) continue;
    const auto keys = source->current();
    out.push_back({kept->url, keys ? keys->keys.size() : 0, kept->failures, kept->error});
  }
  return out;
}

}  // namespace headgate::proxy
