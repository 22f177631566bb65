#include "roles/proxy/cache/slices.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "roles/proxy/cache/cache_turn.h"

namespace headgate::proxy {

using store::memory::BodyState;
using store::memory::Lead;
using store::memory::Object;
using store::memory::Ref;
using store::memory::View;

namespace {

// Of a slice, for one reader: a fetch that breaks off is no reason to cut an answer.
constexpr int kFetchesMax = 2;

}  // namespace

wire::http::ByteRange range_of_slice(std::uint32_t slice, std::uint64_t bytes) {
  const std::uint64_t first = std::uint64_t{slice} * kSliceBytes;
  return {first, std::min<std::uint64_t>(first + kSliceBytes, bytes) - 1};
}

void Slices::open(const SliceSeries& series) {
  if (series_.number == series.number) return;
  close();
  series_ = series;
}

void Slices::close() {
  forget();
  series_ = {};
}

void Slices::forget() {
  waiter_.reset();
  slice_.reset();
  body_ = {};
  failed_ = 0;
}

bool Slices::fetch_again() {
  body_ = {};
  return ++failed_ < kFetchesMax;
}

decide::cache::CacheKey Slices::key_of(std::uint32_t slice) {
  return cache_.keys.slice(series_.whole, series_.number, slice);
}

bool Slices::take(const Ref<Object>& object) {
  const BodyState state = object->body()->state();
  if (state == BodyState::kFilling || state == BodyState::kComplete) body_ = object->body();
  return static_cast<bool>(body_);
}

Slices::Have Slices::find(std::uint32_t slice) {
  if (slice_ != slice) {
    forget();
    slice_ = slice;
  }
  if (body_) return Have::kBody;
  int asked = 0;
  for (int looks = 0; looks < kLooksMax; ++looks) {
    if (waiter_) {
      auto answer = waiter_->poll();
      if (std::holds_alternative<Flying::Wait>(answer)) return Have::kWait;
      waiter_.reset();
      if (std::holds_alternative<Flying::Pass>(answer)) return Have::kFailed;
      if (auto* lead = std::get_if<Lead>(&answer)) turn_.fetch_slice(std::move(*lead), slice);
      auto* object = std::get_if<Ref<Object>>(&answer);
      if (object && take(*object)) return Have::kBody;
      if (object && !fetch_again()) return Have::kFailed;
    }
    const View view = seen(slice);
    if (!view.empty()) {
      const Ref<Object> object = view.take(0);
      turn_.hand_down(object, key_of(slice));
      if (take(object)) return Have::kBody;
      continue;
    }
    auto claim = claimed(slice, view);
    if (auto* lead = std::get_if<Lead>(&claim)) {
      if (asked++ > 0) return Have::kFailed;  // the first one failed at once
      turn_.fetch_slice(std::move(*lead), slice);
    } else if (auto* waiter = std::get_if<Flying>(&claim)) {
      waiter_.emplace(std::move(*waiter));
    } else if (std::holds_alternative<store::memory::FetchAlone>(claim)) {
      return Have::kFailed;
    }
  }
  return Have::kFailed;
}

void Slices::prepare(std::uint32_t slice) {
  const View view = seen(slice);
  if (!view.empty()) return;
  auto claim = claimed(slice, view);
  if (auto* lead = std::get_if<Lead>(&claim)) turn_.fetch_slice(std::move(*lead), slice);
}

View Slices::seen(std::uint32_t slice) {
  return cache_.reader.find(store_key(key_of(slice)), cache_.loop.now());
}

store::memory::Claim Slices::claimed(std::uint32_t slice, const View& view) {
  return cache_.shared.memory().claim(store_key(key_of(slice)), 0, view, cache_.loop.now(),
                                      cache_.wakes, turn_);
}

}  // namespace headgate::proxy
