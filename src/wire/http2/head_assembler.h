#pragma once
// Puts the fields of one header block together and judges them (RFC 9113 §8.2, §8.3; RFC 8441): all
// text goes into one arena, views are made at the end, and the arena goes to the receiver with the
// head. One block at a time, as on the wire. A block over the limits is still read to its end,
// because the HPACK state is shared by the connection; nothing more of it is kept.
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/http/message.h"
#include "wire/http2/limits.h"

namespace headgate::wire::http2 {

class HeadAssembler {
 public:
  enum class Kind : std::uint8_t { kRequest, kResponse, kTrailers };
  // status 0: well-formed. Otherwise what a server answers (400, 431), with the reason for the log.
  struct Verdict {
    int status = 0;
    const char* reason = "";
    bool ok() const { return status == 0; }
  };

  explicit HeadAssembler(const Limits& limits) : limits_(limits) {}

  void begin(Kind kind);
  // False: the block passed header_kill_bytes, the connection must end.
  bool add(std::string_view name, std::string_view value);

  // After the last field. The heads are filled as far as they were understood, also when the
  // verdict is bad.
  Verdict finish_request(http::RequestHead& head, bool end_stream);
  Verdict finish_response(http::ResponseHead& head, bool end_stream, bool no_body);
  Verdict finish_trailers(http::Fields& fields);

  // What the finished views point into; the receiver may take it.
  std::string& storage() { return arena_; }

 private:
  enum Pseudo : std::uint8_t {
    kMethod,
    kScheme,
    kAuthority,
    kPath,
    kProtocol,
    kStatus,
    kPseudoCount
  };
  struct Span {
    std::uint32_t at = 0, size = 0;
  };
  struct Entry {
    Span name, value;
    http::FieldId id;
  };

  void add_pseudo(std::string_view name, std::string_view value);
  void add_field(std::string_view name, std::string_view value);
  bool field_allowed(http::FieldId id, std::string_view value);
  void add_length(std::string_view value);
  void add_cookie(std::string_view crumb);
  void fault(const char* reason, int status = 400);
  Span keep(std::string_view text);
  std::string_view text(Span span) const {
    return std::string_view(arena_).substr(span.at, span.size);
  }
  std::string_view pseudo(Pseudo which) const { return text(pseudos_[which]); }
  bool has(Pseudo which) const { return (present_ & (1U << which)) != 0; }
  void fill(http::Fields& fields);
  void settle_host(http::RequestHead& head);
  void judge_target(const http::RequestHead& head);
  void judge_connect(const http::RequestHead& head);
  http::Framing framing(bool end_stream);

  const Limits& limits_;
  Kind kind_ = Kind::kRequest;
  Verdict verdict_;
  std::string arena_;
  std::string cookie_;  // crumbs, joined as RFC 9113 §8.2.3 says
  std::vector<Entry> entries_;
  std::array<Span, kPseudoCount> pseudos_{};
  std::optional<Span> host_;
  std::optional<std::uint64_t> length_;
  std::uint32_t present_ = 0;
  std::uint32_t bytes_ = 0;  // RFC 9113 §10.5.1: name + value + 32 each
  std::uint32_t fields_ = 0;
  bool regular_seen_ = false;
  bool te_trailers_ = false;
  bool expect_continue_ = false;
};

}  // namespace headgate::wire::http2
