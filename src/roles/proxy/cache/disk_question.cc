#include "roles/proxy/cache/disk_question.h"

#include "roles/proxy/cache/cache_turn.h"
#include "store/disk/limits.h"

namespace headgate::proxy {

using store::disk::Admission;
using store::disk::Object;
using store::disk::ReadOutcome;

bool DiskQuestion::ask(store::disk::Lookup lookup) {
  return disk_->get(std::move(lookup), completion()) == Admission::kAccepted;
}

store::disk::ReadDone DiskQuestion::completion() {
  return [self = shared_from_this()](store::disk::ReadResult result) {
    io::Mailbox& mailbox = self->loop_.mailbox();
    [[maybe_unused]] const bool told = mailbox.post(
        [self, result = std::move(result)]() mutable { self->on_result(std::move(result)); });
  };
}

void DiskQuestion::on_result(store::disk::ReadResult result) {
  if (!asker_) return;
  if (result.outcome != ReadOutcome::kHit) return answer(nullptr);
  if (!object_) object_ = std::move(result.object);
  read_ += result.body.view.size();
  if (!result.body.view.empty()) body_.push_back(std::move(result.body));
  if (read_ == object_->body_bytes()) return answer(object_);
  const bool goes_on = !body_.empty() && disk_->read(object_, read_, store::disk::kSliceBytes,
                                                     completion()) == Admission::kAccepted;
  if (!goes_on) answer(nullptr);
}

void DiskQuestion::answer(std::shared_ptr<const Object> object) {
  object_ = std::move(object);
  is_answered_ = true;
  asker_->on_disk();
}

}  // namespace headgate::proxy
