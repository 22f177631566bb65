#include "wire/uri/normalise.h"

#include <array>

#include "wire/uri/percent.h"

namespace headgate::wire::uri {
namespace {

using Reason = std::string_view;  // empty: no error

std::unexpected<TargetError> refuse(Reason reason) {
  return std::unexpected(TargetError{400, reason});
}

// Characters that a canonical path may hold without a closer look at its neighbours.
constexpr auto kUntouched = [] {
  std::array<bool, 256> table{};
  for (unsigned c = 0; c < 256; ++c) table[c] = is_of(static_cast<char>(c), kPathChar);
  table['/'] = table['.'] = false;
  return table;
}();

bool is_visible(char c) { return c > 0x20 && c < 0x7f; }

// True when the path is canonical already. A segment that begins with '.' is left to the slow path,
// which knows
// ".well-known" from "..".
bool needs_nothing(std::string_view path, PathPolicy policy) {
  char before = 0;
  for (const char c : path) {
    if (!kUntouched[static_cast<unsigned char>(c)]) {
      if (c != '/' && c != '.') return false;
      if (before == '/' && (c == '.' || policy.merge_slashes)) return false;
    }
    before = c;
  }
  return true;
}

// "." and "..", with or without parameters.
bool is_dots(std::string_view piece) {
  const std::string_view name = piece.substr(0, piece.find(';'));
  return name == "." || name == "..";
}

// Some servers cut a segment at ';', and some take an escaped slash or backslash for a real one,
// and only then look for dot segments. `segment` is canonical but is no dot segment itself.
bool hides_dots(std::string_view segment) {
  std::size_t begin = 0;
  for (std::size_t at = segment.find('%'); at != std::string_view::npos;
       at = segment.find('%', at + 3)) {
    const std::string_view escape = segment.substr(at, 3);
    if (escape != "%2F" && escape != "%5C") continue;
    if (is_dots(segment.substr(begin, at - begin))) return true;
    begin = at + 3;
  }
  return is_dots(segment.substr(begin));
}

class PathWriter {
 public:
  PathWriter(PathPolicy policy, std::string& out) : policy_(policy), out_(out) {}

  // `path` begins with '/'.
  Reason write(std::string_view path) {
    for (std::size_t i = 0; i < path.size(); ++i) {
      const bool is_escape = path[i] == '%';
      const Reason error = is_escape ? take_escape(path, i) : take_raw(path[i]);
      if (!error.empty()) return error;
      if (is_escape) i += 2;
    }
    return end_segment();
  }

 private:
  Reason take_escape(std::string_view path, std::size_t at) {
    const int byte = escaped_byte(path, at);
    if (byte < 0) return "malformed percent-encoding in the path";
    if (byte == 0) return "NUL in the path";
    if (byte == '/' && policy_.encoded_slash == EncodedSlash::kReject)
      return "encoded slash in the path";
    if (byte == '/' && policy_.encoded_slash == EncodedSlash::kDecode) return take_slash();
    const char c = static_cast<char>(byte);
    if (is_of(c, kUnreserved)) {
      out_.push_back(c);
    } else {
      append_escape(out_, static_cast<unsigned char>(c));
    }
    return {};
  }

  Reason take_raw(char c) {
    if (c == '/') return take_slash();
    if (is_of(c, kPathChar)) {
      out_.push_back(c);
      return {};
    }
    if (c == '\\') return "backslash in the path";
    if (c == '#') return "fragment in the request target";
    if (!is_visible(c)) return "control, space or byte above 0x7e in the path";
    append_escape(out_, static_cast<unsigned char>(c));
    return {};
  }

  Reason take_slash() {
    if (out_.empty()) {
      out_.push_back('/');
      segment_ = 1;
      return {};
    }
    if (policy_.merge_slashes && segment_ == out_.size()) return {};
    const Reason error = end_segment();
    // A dot segment is gone with its slash, so the slash before it serves for this one.
    if (error.empty() && !dropped_) {
      out_.push_back('/');
      segment_ = out_.size();
    }
    return error;
  }

  // Looks at what stands behind the last slash of `out_`; a dot segment is taken off (RFC 3986
  // §5.2.4).
  Reason end_segment() {
    const std::string_view segment = std::string_view(out_).substr(segment_);
    dropped_ = segment == "." || segment == "..";
    if (segment == "..") {
      if (segment_ == 1) return "path climbs above the root";
      segment_ = out_.rfind('/', segment_ - 2) + 1;
    } else if (!dropped_) {
      return hides_dots(segment) ? "path hides a dot segment" : Reason{};
    }
    out_.resize(segment_);
    return {};
  }

  const PathPolicy policy_;
  std::string& out_;
  std::size_t segment_ = 0;  // where the unfinished segment begins in out_
  bool dropped_ = false;
};

Reason check_query(std::string_view query) {
  for (const char c : query) {
    if (c == '#') return "fragment in the request target";
    if (!is_visible(c)) return "control, space or byte above 0x7e in the query";
  }
  return {};
}

}  // namespace

std::expected<PathInfo, TargetError> normalise(std::string_view target, PathPolicy policy,
                                               std::string& storage) {
  const std::size_t mark = target.find('?');
  PathInfo out{.path = target.substr(0, mark), .query = {}};
  if (mark != std::string_view::npos) {
    out.has_query = true;
    out.query = target.substr(mark + 1);
    if (const Reason error = check_query(out.query); !error.empty()) return refuse(error);
    if (mark == 0) {
      out.path = "/";
      return out;
    }
  }
  if (out.path == "*" && !out.has_query) return out;
  if (!out.path.starts_with('/')) return refuse("path does not begin with a slash");
  if (needs_nothing(out.path, policy)) return out;

  storage.clear();
  const Reason error = PathWriter(policy, storage).write(out.path);
  if (!error.empty()) return refuse(error);
  if (storage == out.path) return out;
  out.path = storage;
  out.normalised = true;
  return out;
}

}  // namespace headgate::wire::uri
