#pragma once
// A store with one worker, as tests see it: keys by name, objects in one call, wake-ups counted.
#include <string>
#include <string_view>
#include <vector>

#include "store/memory/body_reader.h"
#include "store/memory/store.h"

namespace headgate::store::memory {

struct CountedWake final : Wakeable {
  void on_wake() override { ++count; }
  int count = 0;
};

// Owns the bytes that a Key views.
struct NamedKey {
  explicit NamedKey(std::string_view name, std::size_t locator_at = 0)
      : bytes(name), at(locator_at) {}
  Key key() const { return {hash_key(bytes, 7), bytes, std::string_view(bytes).substr(at)}; }
  operator Key() const { return key(); }  // NOLINT: as a key in every call
  std::string bytes;
  std::size_t at;
};

inline Options small_options() {
  Options options;
  options.bytes_max = 8 << 20;
  options.object_bytes_max = 1 << 20;
  options.shards = 4;
  return options;
}

class World {
 public:
  explicit World(const Options& options = small_options())
      : queue([this] { ++rings; }), store(options), reader(store) {}

  Claim claim(const Key& key, std::uint64_t secondary = 0) {
    return store.claim(key, secondary, reader.find(key, now), now, queue, wake);
  }
  Lead lead(const Key& key, std::uint64_t secondary = 0) {
    return std::get<Lead>(claim(key, secondary));
  }
  // Stores a complete object, whatever is there already.
  Ref<Object> put(const Key& key, std::string_view body, const Draft& draft = {}) {
    Draft known = draft;
    known.body_bytes = body.size();
    Fill fill = store.lead_alone(key, draft.secondary)->fill(known).value();
    fill.append(body);
    fill.complete();
    return fill.object();
  }
  Ref<Object> put_labelled(const Key& key, std::string_view body,
                           std::vector<std::string_view> labels) {
    Draft draft;
    draft.labels = labels;
    return put(key, body, draft);
  }
  View find(const Key& key) { return reader.find(key, now); }
  bool has(const Key& key) { return !find(key).empty(); }
  std::string body_of(const Ref<Object>& object) {
    BodyReader body(object->body(), queue, wake);
    std::string text;
    while (body.next() == BodyReader::Next::kBytes) take(body, text);
    return text;
  }
  static void take(BodyReader& body, std::string& text, std::uint64_t bytes_max = UINT64_MAX) {
    std::string_view pieces[3];
    const std::size_t count = body.gather(pieces, bytes_max);
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) {
      text += pieces[i];
      bytes += pieces[i].size();
    }
    body.consume(bytes);
  }

  int rings = 0;
  CountedWake wake;
  WakeQueue queue;
  Store store;
  Reader reader;
  Instant now{1'000'000'000};
};

}  // namespace headgate::store::memory
