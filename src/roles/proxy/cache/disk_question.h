#pragma once
// A look-up on the disk under way, for one exchange: begun on its worker, answered by an I/O thread
// through the worker's mailbox. The asker may go meanwhile. An object is read whole before it is
// used, so that a disk that fails in the middle cuts no answer.
#include <memory>
#include <string>
#include <vector>

#include "io/loop.h"
#include "store/disk/store.h"

namespace headgate::proxy {

class CacheTurn;

class DiskQuestion : public std::enable_shared_from_this<DiskQuestion> {
 public:
  DiskQuestion(CacheTurn& asker, io::Loop& loop, std::shared_ptr<store::disk::Store> disk)
      : asker_(&asker), loop_(loop), disk_(std::move(disk)) {}

  // False: it is not there, or the disk has no time.
  bool ask(store::disk::Lookup lookup);
  void forget_asker() { asker_ = nullptr; }

  const std::shared_ptr<store::disk::Store>& disk() const { return disk_; }
  bool is_answered() const { return is_answered_; }
  // Null: a miss, for whatever reason.
  const std::shared_ptr<const store::disk::Object>& object() const { return object_; }
  const std::vector<store::disk::Bytes>& body() const { return body_; }

 private:
  store::disk::ReadDone completion();
  void on_result(store::disk::ReadResult result);
  void answer(std::shared_ptr<const store::disk::Object> object);

  CacheTurn* asker_;  // the worker's
  io::Loop& loop_;
  std::shared_ptr<store::disk::Store> disk_;
  std::shared_ptr<const store::disk::Object> object_;
  std::vector<store::disk::Bytes> body_;
  std::uint64_t read_ = 0;
  bool is_answered_ = false;
};

}  // namespace headgate::proxy
