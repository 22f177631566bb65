#pragma once
// Header fields on their way into the library: an array of nghttp2_nv over views. Names that have a
// FieldId point to static text and are not copied; the library copies the rest when the frame is
// submitted, and lowers the case of names. Fields that HTTP/2 forbids (RFC 9113 §8.2.2) never enter
// a block.
#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "wire/http/field.h"

namespace headgate::wire::http2 {

// Connection, Keep-Alive, Proxy-Connection, Transfer-Encoding, Upgrade, and HTTP2-Settings.
bool is_connection_specific(http::FieldId id);

class FieldBlock {
 public:
  FieldBlock() = default;
  FieldBlock(const FieldBlock&) = delete;  // views into text_
  FieldBlock& operator=(const FieldBlock&) = delete;

  // `name` is static text in lower case; `value` lives until the block was submitted.
  void add_static(std::string_view name, std::string_view value);
  void add(const http::Fields& fields);
  // Without Host and TE, which a request says by :authority and `te_trailers`.
  void add_request(const http::Fields& fields, bool te_trailers);
  // Copies the text, so that the block outlives what it was built from.
  void own();

  const nghttp2_nv* data() const { return pairs_.data(); }
  std::size_t size() const { return pairs_.size(); }
  void clear() { pairs_.clear(); }

 private:
  void add(const http::Field& field);

  std::vector<nghttp2_nv> pairs_;
  std::string text_;
};

}  // namespace headgate::wire::http2
