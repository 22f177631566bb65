#pragma once
// Body bytes of one stream on their way out: appended at the back, taken from the front, one block
// of memory. Taken bytes are squeezed out when they are the larger half, so each byte moves at most
// once more.
#include <cstddef>
#include <string>
#include <string_view>

namespace headgate::wire::http2 {

class SendBuffer {
 public:
  std::size_t size() const { return bytes_.size() - taken_; }
  std::string_view front(std::size_t n) const { return std::string_view(bytes_).substr(taken_, n); }
  void append(std::string_view bytes) {
    if (taken_ > bytes_.size() / 2) {
      bytes_.erase(0, taken_);
      taken_ = 0;
    }
    bytes_.append(bytes);
  }
  void take(std::size_t n) {
    taken_ += n;
    if (taken_ < bytes_.size()) return;
    bytes_.clear();
    taken_ = 0;
  }
  void free() {
    std::string().swap(bytes_);
    taken_ = 0;
  }
  std::size_t memory_bytes() const { return bytes_.capacity(); }

 private:
  std::string bytes_;
  std::size_t taken_ = 0;
};

}  // namespace headgate::wire::http2
