// The thread of a PurgeBook: waits for the journal, reads it, writes what comes. Records that come
// while it writes are written together, so many purges at once share one sync.
#include <algorithm>
#include <utility>

#include "io/clock.h"
#include "io/thread.h"
#include "roles/proxy/cache/labels.h"
#include "roles/proxy/cache/purge_book.h"

namespace headgate::proxy {

using Kind = PurgeRecord::Kind;

namespace {

// Beyond what may have been written behind and lost, should the clock have been set back as well.
constexpr Moment kGap = 1 << 20;
// Orders that another process wrote while this one already filled its memory.
constexpr Duration kOverlap = 10min;

Moment moment_of(WallTime time) {
  return static_cast<Moment>(std::max<std::int64_t>(time.ns, 0) / 1000);
}

}  // namespace

void PurgeBook::serve() {
  io::name_thread("purges");
  io::block_signals();
  if (!take_journal()) return;
  load();
  while (write_turn()) {
  }
  {
    const std::lock_guard hold(mutex_);
    is_open_ = false;
  }
  journal_.close();
}

bool PurgeBook::take_journal() {
  std::unique_lock hold(mutex_);
  while (!stopping_) {
    hold.unlock();
    const Status locked = journal_.lock();
    hold.lock();
    // A directory that cannot be written shows when the journal is.
    if (locked || locked.error().code != Code::kUnavailable) return !stopping_;
    wake_.wait_for(hold, kLockPoll, [this] { return stopping_; });
  }
  return false;
}

void PurgeBook::load() {
  const Result<std::string> bytes = journal_.read();
  const PurgeJournalContent content = bytes ? read_journal(*bytes) : PurgeJournalContent{{}, false};
  const bool judged_disk = !content.records.empty() && content.records[0].flag;
  Moment newest = 0;
  for (const PurgeRecord& record : content.records) newest = std::max(newest, record.at.newest());
  const WallTime now = io::wall_now();
  const Moment begin = std::max(newest + kGap, moment_of(now));
  {
    const std::lock_guard hold(mutex_);
    for (const PurgeRecord& record : content.records) recall(record);
    forgotten_ = orders_.empty() ? newest_ : orders_.front().id - 1;
    const std::lock_guard hold_marks(marks_mutex_);
    if (!content.is_whole || !judged_disk) marks_.add_everything({begin, 0});
  }
  const std::lock_guard hold(numbering_);
  for (const NumberedOrder& order : orders_)
    if (order.time > now - kOverlap) purge_memory_again(order);
  now_.store(begin, std::memory_order_release);
  is_numbering_ = true;
  for (Task& task : std::exchange(parked_, {})) number(std::move(task));
}

// Under mutex_.
void PurgeBook::recall(const PurgeRecord& record) {
  if (record.kind == Kind::kOrder) {
    if (record.at.newest() > 0) mark(record);
    newest_ = std::max(newest_, record.number);
    return keep({record.number,
                 record.time,
                 {record.scope, record.value, record.name_space,
                  record.flag ? store::memory::Purge::kSoft : store::memory::Purge::kHard}});
  }
  const std::lock_guard hold(marks_mutex_);
  if (record.kind == Kind::kBeginning) newest_ = std::max(newest_, record.number);
  if (record.kind == Kind::kSoftTimes) soft_times_.add({record.time, record.until});
  if (!options_.has_disk) return;
  switch (record.kind) {
    case Kind::kInvalidation:
    case Kind::kLabel: marks_.add_label(record.number, record.at); break;
    case Kind::kLabelFloor: marks_.add_floor(record.number, record.at); break;
    case Kind::kPrefix: marks_.add_prefix(record.value, record.at); break;
    case Kind::kEverything: marks_.add_everything(record.at); break;
    case Kind::kBeginning:
    case Kind::kSoftTimes:
    case Kind::kOrder: break;
  }
}

// The policies of then are not known: all of the host goes where a URL was meant.
void PurgeBook::purge_memory_again(const NumberedOrder& numbered) {
  PurgeOrder order = numbered.order;
  std::string path, label;
  const auto url = read_url(order.value, path);
  if (order.scope != PurgeScope::kUrl || !url) return purge_memory(order, labels_of(order, {}));
  append_host_label(label, url->host);
  purge_memory(order, {&label, 1});
}

// False: it is the end.
bool PurgeBook::write_turn() {
  std::unique_lock hold(mutex_);
  const auto is_urgent = [this] { return stopping_ || !waiting_.empty(); };
  if (is_broken_) wake_.wait_for(hold, kRetry, is_urgent);
  wake_.wait(hold, [&] { return is_urgent() || must_rewrite_ || !records_.empty(); });
  if (!is_urgent() && !must_rewrite_) wake_.wait_for(hold, kWriteBehind, is_urgent);
  const bool is_last = stopping_;
  std::vector<Waiting> waiting = std::exchange(waiting_, {});
  const bool writes_anew = std::exchange(must_rewrite_, false) || !is_open_ ||
                           journal_.bytes() + records_.size() > options_.journal_bytes_max;
  const Status written = writes_anew ? write_anew(hold) : write_more(hold, !waiting.empty());
  hold.unlock();
  is_broken_ = !written;
  if (!written) give_up(written.error().message);
  for (Waiting& one : waiting) {
    one.receipt.durable = written.has_value();
    if (!written) one.receipt.trouble = written.error().message;
    one.done(std::move(one.receipt));
  }
  return !is_last;
}

// Both are called and return under mutex_, and let it go for what may take long.
Status PurgeBook::write_anew(std::unique_lock<std::mutex>& hold) {
  const std::string whole = all_records();
  records_.clear();
  is_open_ = false;
  hold.unlock();
  Status written = journal_.replace(whole);
  hold.lock();
  if (!written) return written;
  written = journal_.append(std::exchange(records_, {}));
  is_open_ = written.has_value();
  trouble_.clear();
  return written;
}

Status PurgeBook::write_more(std::unique_lock<std::mutex>& hold, bool durably) {
  const std::string records = std::exchange(records_, {});
  if (Status written = journal_.append(records); !written || !durably) return written;
  hold.unlock();
  Status synced = journal_.sync();
  hold.lock();
  return synced;
}

void PurgeBook::give_up(const std::string& why) {
  failures_.fetch_add(1, std::memory_order_relaxed);
  const std::lock_guard hold(mutex_);
  must_rewrite_ = true;
  is_open_ = false;
  trouble_ = why;
  journal_.give_up();
}

// Under mutex_.
std::string PurgeBook::all_records() const {
  std::string out(kPurgeJournalName);
  PurgeRecord beginning{.kind = Kind::kBeginning, .flag = options_.has_disk, .number = newest_};
  beginning.at.hard = now();
  append_record(out, beginning);
  const std::shared_lock hold(marks_mutex_);
  append_record(out, {.kind = Kind::kEverything, .at = marks_.everything()});
  marks_.for_each(
      [&](std::uint64_t hash, PurgeMarks::Moments at) {
        append_record(out, {.kind = Kind::kLabel, .number = hash, .at = at});
      },
      [&](std::size_t set, PurgeMarks::Moments at) {
        append_record(out, {.kind = Kind::kLabelFloor, .number = set, .at = at});
      });
  for (const PurgeMarks::Prefix& prefix : marks_.prefixes())
    append_record(out, {.kind = Kind::kPrefix, .at = prefix.at, .value = prefix.text});
  for (const SoftTimes::Span& span : soft_times_.spans())
    append_record(out, {.kind = Kind::kSoftTimes, .time = span.first, .until = span.last});
  for (const NumberedOrder& one : orders_) {
    PurgeRecord record{.kind = Kind::kOrder, .scope = one.order.scope};
    record.flag = one.order.how == store::memory::Purge::kSoft;
    record.number = one.id;
    record.time = one.time;
    record.name_space = one.order.name_space;
    record.value = one.order.value;
    append_record(out, record);  // its marks stand above
  }
  return out;
}

}  // namespace headgate::proxy
