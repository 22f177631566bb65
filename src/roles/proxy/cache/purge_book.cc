#include "roles/proxy/cache/purge_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "io/clock.h"
#include "roles/proxy/cache/labels.h"

namespace headgate::proxy {

using Kind = PurgeRecord::Kind;
using store::memory::Purge;
using store::memory::Standing;

static_assert(kLabelTextMax <= store::memory::kLabelBytesMax);

PurgeBook::PurgeBook(Options options, store::memory::Store& memory)
    : options_(std::move(options)), memory_(memory), journal_(options_.file) {
  if (options_.has_disk) marks_.prepare();
  thread_ = std::thread([this] { serve(); });
}

std::uint64_t PurgeBook::microseconds_since(Instant then) const {
  return static_cast<std::uint64_t>((io::monotonic_now() - then).count() / 1000);
}

void PurgeBook::carry_out(PurgeRequest request, std::span<const model::CacheKeyPolicy* const> keys,
                          Done done) {
  Task task{std::move(request), {}, io::monotonic_now(), std::move(done)};
  task.labels = labels_of(task.request.order, keys);
  std::unique_lock hold(numbering_);
  if (is_closed_) {
    hold.unlock();
    return task.done(fail(Code::kUnavailable,
                          "this process ends and another one serves: ask again in a second"));
  }
  if (is_numbering_) return number(std::move(task));
  if (parked_.size() >= kParkedMax) {
    hold.unlock();
    return task.done(fail(Code::kExhausted, "too many purges wait for the journal"));
  }
  purge_memory(task.request.order, task.labels);
  parked_.push_back(std::move(task));
}

std::optional<Error> PurgeBook::gap_before(const PurgeRequest& request) const {
  const PurgeOrder& order = request.order;
  const bool covers_gap = order.scope == PurgeScope::kEverything && order.how == Purge::kHard;
  if (newest_ == 0 || *request.id <= newest_ + 1 || covers_gap) return std::nullopt;
  return Error{Code::kInvalid, Source::kClient, true,
               fmt::format("id: {} follows {}, orders between them are missing: replay them first, "
                           "or purge everything",
                           *request.id, newest_)};
}

// Under numbering_.
void PurgeBook::number(Task task) {
  PurgeReceipt receipt;
  receipt.numbered.order = task.request.order;
  receipt.numbered.time = io::wall_now();
  const auto answer = [&] {
    const std::lock_guard hold(mutex_);
    waiting_.push_back({std::move(receipt), std::move(task.done)});
    wake_.notify_all();
  };
  std::unique_lock hold(mutex_);
  if (task.request.id) {
    if (auto gap = gap_before(task.request)) {
      hold.unlock();
      return task.done(std::unexpected(std::move(*gap)));
    }
    receipt.known_before = *task.request.id <= newest_;
  }
  receipt.numbered.id = task.request.id.value_or(newest_ + 1);
  if (receipt.known_before) {
    hold.unlock();
    return answer();
  }
  const PurgeOrder& order = receipt.numbered.order;
  PurgeRecord record{.kind = Kind::kOrder, .scope = order.scope};
  record.flag = order.how == Purge::kSoft;
  record.number = newest_ = receipt.numbered.id;
  record.at = PurgeMarks::moments(order.how, now() + 1);
  record.time = receipt.numbered.time;
  for (const std::string& label : task.labels) record.labels.push_back(label_hash(label));
  record.name_space = order.name_space;
  record.value = order.value;
  mark(record);
  now_.store(record.at.newest(), std::memory_order_release);
  append_record(records_, record);
  keep(receipt.numbered);
  hold.unlock();
  if (options_.has_disk) receipt.disk_effective_us = microseconds_since(task.arrived);
  purge_memory(order, task.labels);
  receipt.memory_effective_us = microseconds_since(task.arrived);
  answer();
}

// Under mutex_. Without a disk nobody is judged: one that comes back trusts nothing on it.
void PurgeBook::mark(const PurgeRecord& order) {
  const std::lock_guard hold(marks_mutex_);
  if (order.flag) soft_times_.add({order.time, order.time});
  if (!options_.has_disk) return;
  for (const std::uint64_t label : order.labels) marks_.add_label(label, order.at);
  if (order.scope == PurgeScope::kPrefix) marks_.add_prefix(order.value, order.at);
  if (order.scope == PurgeScope::kEverything) marks_.add_everything(order.at);
}

// Under mutex_.
void PurgeBook::keep(NumberedOrder order) {
  const auto bytes_of = [](const NumberedOrder& one) {
    return sizeof one + one.order.value.size() + one.order.name_space.size();
  };
  order_bytes_ += bytes_of(order);
  orders_.push_back(std::move(order));
  while (orders_.size() > kOrdersKept || order_bytes_ > kOrderBytesKept) {
    order_bytes_ -= bytes_of(orders_.front());
    forgotten_ = orders_.front().id;
    orders_.pop_front();
  }
}

void PurgeBook::purge_memory(const PurgeOrder& order, std::span<const std::string> labels) {
  if (order.scope == PurgeScope::kEverything) memory_.purge_everything(order.how);
  for (const std::string& label : labels) memory_.purge_label(label, order.how);
  if (order.scope != PurgeScope::kPrefix) return;
  // A longer one was refused when it was read; should one come all the same, more goes.
  if (!memory_.purge_prefix(order.value, order.how)) memory_.purge_everything(order.how);
}

void PurgeBook::invalidate(std::string_view url_label) {
  {
    const std::lock_guard hold(mutex_);
    // Without a disk there is nothing that outlives the process.
    if (options_.has_disk && is_loaded()) {
      PurgeRecord record{.kind = Kind::kInvalidation, .number = label_hash(url_label)};
      record.at.hard = now() + 1;
      {
        const std::lock_guard hold_marks(marks_mutex_);
        marks_.add_label(record.number, record.at);
      }
      now_.store(record.at.hard, std::memory_order_release);
      write_invalidation(record);
    }
  }
  memory_.purge_label(url_label, Purge::kHard);
}

// Under mutex_.
void PurgeBook::write_invalidation(const PurgeRecord& record) {
  std::string bytes;
  append_record(bytes, record);
  const bool goes_at_once =
      is_open_ && records_.empty() && journal_.bytes() + bytes.size() <= options_.journal_bytes_max;
  if (goes_at_once && journal_.append(bytes)) return;
  must_rewrite_ = must_rewrite_ || goes_at_once || records_.size() > kUnwrittenMax;
  if (must_rewrite_) records_.clear();
  if (records_.empty()) wake_.notify_all();
  records_ += bytes;
}

std::string PurgeBook::trouble() const {
  const std::lock_guard hold(mutex_);
  return trouble_;
}

PurgeBook::Orders PurgeBook::orders_since(std::uint64_t id) const {
  const std::lock_guard hold(mutex_);
  Orders out;
  out.newest = newest_;
  out.is_complete = id >= forgotten_;
  auto next = std::find_if(orders_.begin(), orders_.end(),
                           [&](const NumberedOrder& one) { return one.id > id; });
  for (; next != orders_.end() && out.orders.size() < kPage; ++next) out.orders.push_back(*next);
  return out;
}

bool PurgeBook::holds(std::span<const std::uint64_t> stamps) const {
  return !standing(stamps, {}).gone;
}

store::disk::StampJudge PurgeBook::judge() const {
  return {[](const void* book, std::span<const std::uint64_t> stamps) {
            return static_cast<const PurgeBook*>(book)->holds(stamps);
          },
          this};
}

Standing PurgeBook::standing(std::span<const std::uint64_t> stamps,
                             std::string_view locator) const {
  // A moment that has not come yet is of a journal that was lost.
  if (stamps.empty() || stamps[0] == 0 || stamps[0] > now()) return {true, false};
  const std::shared_lock hold(marks_mutex_);
  Standing out = marks_.of_labels(stamps[0], stamps.subspan(1));
  if (!locator.empty()) out.add(marks_.of_locator(stamps[0], locator));
  return out;
}

std::optional<WallTime> PurgeBook::soft_purged_since(WallTime response) const {
  const std::shared_lock hold(marks_mutex_);
  return soft_times_.first_after(response);
}

void PurgeBook::close() {
  {
    const std::lock_guard hold_numbering(numbering_);
    is_closed_ = true;
    const std::lock_guard hold(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  for (Task& task : std::exchange(parked_, {}))
    task.done(fail(Code::kUnavailable, "this process ended before it could read the journal"));
}

}  // namespace headgate::proxy
