#pragma once
// The content of an answer from the store: all of a body, one range, or several as
// multipart/byteranges (RFC 9110 §14.6), in pieces, while the body may still be filling; of a large
// object out of its slices. One worker.
//
//   while (true) { Piece piece = reply.next(); ... send piece.bytes ...; reply.pass(piece); }
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "roles/proxy/cache/slices.h"
#include "store/memory/body_reader.h"
#include "wire/http/byteranges.h"

namespace headgate::proxy {

class StoredReply {
 public:
  struct Piece {
    enum class Kind : std::uint8_t {
      kBytes,  // to be sent, then passed
      kWait,   // the body is not there yet: wait()
      kEnd,    // all was passed, or (is_last) goes with this piece
      kCut,    // the origin failed: the answer cannot be completed
    };
    Kind kind = Kind::kEnd;
    std::string_view bytes, more;  // of kBytes; until pass()
    bool is_last = false;          // nothing follows this piece
  };

  // `length`: of the whole body, when it is known.
  void whole(store::memory::Ref<store::memory::Body> body, std::optional<std::uint64_t> length);
  void ranges(store::memory::Ref<store::memory::Body> body, const wire::http::ByteRanges& ranges);
  // Several ranges: what stands between them. The views outlive the reply.
  void multipart(const wire::http::Multipart& multipart) { multipart_ = multipart; }
  // The content lies in slices; the body above has none.
  void in_slices(Slices& slices) { slices_ = &slices; }
  void open(store::memory::WakeQueue& queue, store::memory::Wakeable& target);
  void close();
  // What is there cannot be read from its beginning any more, or ended early.
  bool is_cut() const;
  bool is_open() const { return body_.get() != nullptr; }

  Piece next();
  void pass(const Piece& piece);
  // True: the target is woken when there is more. False: there is.
  bool wait() { return reader_ ? reader_->wait() : true; }

 private:
  bool begin_range();  // false: no range is left
  Piece from_body();
  Slices::Have stand_on_slice();
  void reopen();

  store::memory::Ref<store::memory::Body> body_;
  store::memory::WakeQueue* queue_ = nullptr;
  store::memory::Wakeable* target_ = nullptr;
  std::optional<store::memory::BodyReader> reader_;
  wire::http::ByteRanges ranges_;
  std::optional<wire::http::Multipart> multipart_;
  std::size_t range_ = 0;              // the next one
  std::uint64_t skip_ = 0;             // before the current range
  std::optional<std::uint64_t> left_;  // of the current range; none: until the body ends
  Slices* slices_ = nullptr;
  std::uint64_t at_ = 0;     // in slices: of the whole, what is sent next
  std::uint32_t slice_ = 0;  // that reader_ reads
  std::string text_;         // between parts; sent before the current range
  bool is_ending_ = false;   // text_ is the last of a multipart
};

}  // namespace headgate::proxy
