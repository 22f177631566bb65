#pragma once
// For tests: a store whose calls wait for their completion, and bodies that prove whose they are.
#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "store/disk/store.h"

namespace headgate::store::disk {

// What one thread hands to another, once.
template <typename T>
class Handover {
 public:
  void give(T value) {
    const std::lock_guard lock(mutex_);
    value_ = std::move(value);
    given_.notify_all();
  }
  T take() {
    std::unique_lock lock(mutex_);
    given_.wait(lock, [&] { return value_.has_value(); });
    return std::move(*value_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable given_;
  std::optional<T> value_;
};

inline constexpr WallTime kNever{std::int64_t{1} << 62};

inline ObjectId id_of(std::uint64_t number) {
  return {{scramble64(number), number}, {7, number % 3}};
}
inline std::string key_of(std::uint64_t number) { return "/object/" + std::to_string(number); }

// Number, version and length say every byte.
inline std::string body_of(std::uint64_t number, std::uint64_t version, std::size_t bytes) {
  std::string body =
      std::to_string(number) + "," + std::to_string(version) + "," + std::to_string(bytes) + ";";
  Prng random(number * 1'000'003 + version);
  while (body.size() < bytes) {
    const std::uint64_t word = random.next();
    body.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  body.resize(std::max(bytes, body.find(';') + 1));
  return body;
}
// The version, when the bytes are what body_of says for it.
inline std::optional<std::uint64_t> version_of(std::uint64_t number, std::string_view body) {
  unsigned long long found = 0, version = 0, bytes = 0;
  if (std::sscanf(std::string(body.substr(0, 64)).c_str(), "%llu,%llu,%llu;", &found, &version,
                  &bytes) != 3)
    return std::nullopt;
  if (found != number || body != body_of(number, version, bytes)) return std::nullopt;
  return version;
}

struct Got {
  Admission admission;
  ReadResult result;
  bool hit() const {
    return admission == Admission::kAccepted && result.outcome == ReadOutcome::kHit;
  }
};

inline Got get(Store& store, Lookup lookup) {
  const auto answer = std::make_shared<Handover<ReadResult>>();
  const Admission admission = store.get(
      std::move(lookup), [answer](ReadResult result) { answer->give(std::move(result)); });
  if (admission != Admission::kAccepted) return {admission, {}};
  return {admission, answer->take()};
}
inline Got get(Store& store, std::uint64_t number) {
  return get(store, {id_of(number), key_of(number), "selector"});
}

// All of it, in as many reads as it takes; nothing when a part of it is not to be had.
inline std::optional<std::string> whole_body(Store& store, std::uint64_t number) {
  const Got first = get(store, number);
  if (!first.hit()) return std::nullopt;
  std::string body(first.result.body.view);
  while (body.size() < first.result.object->body_bytes()) {
    const auto answer = std::make_shared<Handover<ReadResult>>();
    const Admission admission =
        store.read(first.result.object, body.size(), kSliceBytes,
                   [answer](ReadResult result) { answer->give(std::move(result)); });
    if (admission != Admission::kAccepted) return std::nullopt;
    const ReadResult more = answer->take();
    if (more.outcome != ReadOutcome::kHit) return std::nullopt;
    body += more.body.view;
  }
  return body;
}

inline NewObject object_of(std::uint64_t number, std::string body,
                           std::vector<std::uint64_t> stamps = {}, WallTime expires = kNever) {
  struct Kept {
    std::string key, body;
  };
  const auto kept = std::make_shared<Kept>(key_of(number), std::move(body));
  NewObject object;
  object.id = id_of(number);
  object.expires_at = expires;
  object.stamps = std::move(stamps);
  object.metadata = "metadata";
  object.key = kept->key;
  object.selector = "selector";
  object.head = "head";
  object.body = {kept->body};
  object.owner = kept;
  return object;
}

struct Put {
  Admission admission;
  WriteOutcome outcome;
  bool done() const { return admission == Admission::kAccepted && outcome == WriteOutcome::kDone; }
};

inline Put put(Store& store, NewObject object) {
  const auto answer = std::make_shared<Handover<WriteOutcome>>();
  const Admission admission =
      store.put(std::move(object), [answer](WriteOutcome outcome) { answer->give(outcome); });
  if (admission != Admission::kAccepted) return {admission, WriteOutcome::kFailed};
  return {admission, answer->take()};
}
inline Put remove(Store& store, std::uint64_t number) {
  const auto answer = std::make_shared<Handover<WriteOutcome>>();
  const Admission admission =
      store.remove(id_of(number), [answer](WriteOutcome outcome) { answer->give(outcome); });
  if (admission != Admission::kAccepted) return {admission, WriteOutcome::kFailed};
  return {admission, answer->take()};
}

// Until the condition holds: other threads see to it.
template <typename Condition>
bool eventually(Condition condition, Duration limit = 20s) {
  const Instant end = io::monotonic_now() + limit;
  std::mutex mutex;
  std::condition_variable pause;
  while (!condition()) {
    if (io::monotonic_now() > end) return false;
    std::unique_lock lock(mutex);
    pause.wait_for(lock, 1ms);
  }
  return true;
}

}  // namespace headgate::store::disk
