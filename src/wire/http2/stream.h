#pragma once
// What a session keeps for one stream, and the table of all of them. Records stand in the order of
// their ids, because ids only grow; lookup is a binary search in one small array. A record lives
// until the stream closed and was released.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "wire/http2/error_code.h"
#include "wire/http2/field_block.h"
#include "wire/http2/send_buffer.h"

namespace headgate::wire::http2 {

struct Stream {
  StreamId id = 0;
  std::uint32_t interims = 0;
  std::uint64_t body_received = 0;
  std::uint64_t body_sent = 0;
  std::uint64_t length = 0;     // content-length, when has_length
  std::size_t held = 0;         // body bytes delivered, not consumed
  const char* fault = nullptr;  // why the session broke the stream
  std::unique_ptr<FieldBlock> trailers;
  SendBuffer send;
  bool has_length : 1 = false;
  bool announced : 1 = false;  // the owner knows it
  bool head_done : 1 = false;  // the final head came in
  bool discard : 1 = false;    // what still comes in is dropped
  bool no_body : 1 = false;    // the response has no content by rule
  bool head_request : 1 = false;
  bool tunnel : 1 = false;  // CONNECT: content-length means nothing
  bool input_ended : 1 = false;
  bool head_sent : 1 = false;      // submitted
  bool output_ended : 1 = false;   // by the owner
  bool end_sent : 1 = false;       // END_STREAM is on its way to the peer
  bool trailers_sent : 1 = false;  // submitted to the library
  bool blocked : 1 = false;        // the owner was told to stop sending
  bool quiet : 1 = false;          // its end is no news: the owner, or a complete answer, ended it
  bool reset_told : 1 = false;
  bool gone : 1 = false;  // closed for the library
  bool close_told : 1 = false;
  bool counted : 1 = false;  // until release()
  bool refused : 1 = false;  // above the concurrency limit
};

class StreamTable {
 public:
  Stream& add(StreamId id);  // id is above all others
  Stream* find(StreamId id);
  const Stream* find(StreamId id) const { return const_cast<StreamTable*>(this)->find(id); }
  void remove(StreamId id);
  template <typename F>
  void for_each(F f) const {
    for (const Entry& entry : streams_) f(*entry.stream);
  }
  std::size_t size() const { return streams_.size(); }
  std::size_t memory_bytes() const;

 private:
  struct Entry {
    StreamId id;
    std::unique_ptr<Stream> stream;
  };
  std::vector<Entry>::iterator position(StreamId id);

  std::vector<Entry> streams_;
  Stream* last_ = nullptr;  // found last: events of a stream come in runs
};

}  // namespace headgate::wire::http2
