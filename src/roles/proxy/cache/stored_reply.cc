#include "roles/proxy/cache/stored_reply.h"

#include <algorithm>
#include <array>

namespace headgate::proxy {

using store::memory::Body;
using store::memory::BodyReader;
using store::memory::Ref;

void StoredReply::whole(Ref<Body> body, std::optional<std::uint64_t> length) {
  close();
  body_ = std::move(body);
  left_ = length;
}

void StoredReply::ranges(Ref<Body> body, const wire::http::ByteRanges& ranges) {
  close();
  body_ = std::move(body);
  ranges_ = ranges;
  left_ = 0;
}

void StoredReply::open(store::memory::WakeQueue& queue, store::memory::Wakeable& target) {
  queue_ = &queue;
  target_ = &target;
  if (!slices_) reopen();
  begin_range();
}

void StoredReply::close() {
  reader_.reset();
  body_ = {};
  ranges_.count = 0;
  multipart_.reset();
  range_ = 0;
  skip_ = at_ = 0;
  left_.reset();
  slices_ = nullptr;
  text_.clear();
  is_ending_ = false;
}

void StoredReply::reopen() { reader_.emplace(body_, *queue_, *target_); }

// Bodies are read forwards: a range that lies before the last one begins anew.
bool StoredReply::begin_range() {
  if (range_ == ranges_.count) return false;
  const wire::http::ByteRange range = ranges_[range_];
  if (multipart_) wire::http::append_part_head(text_, *multipart_, range, range_ == 0);
  ++range_;
  left_ = range.size();
  if (slices_) {
    at_ = range.first;
    reader_.reset();
    return true;
  }
  if (range.first < reader_->position()) reopen();
  skip_ = range.first - reader_->position();
  return true;
}

bool StoredReply::is_cut() const {
  const BodyReader::Next next = reader_->next();
  return next == BodyReader::Next::kCut || next == BodyReader::Next::kGone;
}

StoredReply::Piece StoredReply::next() {
  using Kind = Piece::Kind;
  if (!text_.empty()) return {Kind::kBytes, text_, {}, is_ending_};
  if (is_ending_ || !left_ || *left_ > 0) return is_ending_ ? Piece{} : from_body();
  if (begin_range()) return next();
  if (!multipart_) return {};
  wire::http::append_multipart_end(text_, multipart_->boundary);
  is_ending_ = true;
  return {Kind::kBytes, text_, {}, true};
}

Slices::Have StoredReply::stand_on_slice() {
  const store::disk::SlicePart part = store::disk::first_part(at_, *left_);
  if (reader_ && slice_ == part.slice) return Slices::Have::kBody;
  reader_.reset();
  const Slices::Have have = slices_->find(part.slice);
  if (have != Slices::Have::kBody) return have;
  slice_ = part.slice;
  body_ = slices_->body();
  reopen();
  skip_ = part.offset;
  if (*left_ > part.bytes) slices_->prepare(part.slice + 1);
  return have;
}

StoredReply::Piece StoredReply::from_body() {
  using Kind = Piece::Kind;
  for (;;) {
    const Slices::Have have = slices_ ? stand_on_slice() : Slices::Have::kBody;
    if (have != Slices::Have::kBody)
      return {have == Slices::Have::kWait ? Kind::kWait : Kind::kCut};
    switch (reader_->next()) {
      case BodyReader::Next::kWait: return {Kind::kWait};
      case BodyReader::Next::kEnd: return {left_ ? Kind::kCut : Kind::kEnd};
      case BodyReader::Next::kCut:
      case BodyReader::Next::kGone:
        if (!slices_ || !slices_->fetch_again()) return {Kind::kCut};
        reader_.reset();
        continue;
      case BodyReader::Next::kBytes: break;
    }
    std::array<std::string_view, 2> pieces;
    const std::uint64_t wanted = skip_ > 0 ? skip_ : left_.value_or(UINT64_MAX);
    reader_->gather(pieces, wanted);
    const std::uint64_t bytes = pieces[0].size() + pieces[1].size();
    if (skip_ == 0) {
      const bool is_last = left_ && *left_ == bytes && range_ == ranges_.count && !multipart_;
      return {Kind::kBytes, pieces[0], pieces[1], is_last};
    }
    skip_ -= bytes;
    reader_->consume(bytes);
  }
}

void StoredReply::pass(const Piece& piece) {
  if (!text_.empty()) return text_.clear();
  const std::uint64_t bytes = piece.bytes.size() + piece.more.size();
  reader_->consume(bytes);
  at_ += bytes;
  if (left_) *left_ -= bytes;
}

}  // namespace headgate::proxy
