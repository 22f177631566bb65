#include "config/yaml.h"

#include <fmt/format.h>
#include <yaml.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "base/ascii.h"
#include "base/check.h"
#include "base/hash.h"

namespace headgate::config {
namespace {

// Why a document is not taken.
struct Refused {
  int line;
  std::string message;
};

struct Anchored {
  Json value;
  std::size_t nodes;
};

bool is_null_text(std::string_view s) {
  return s.empty() || s == "~" || s == "null" || s == "Null" || s == "NULL";
}

bool may_be_no_text(std::string_view s) {
  if (is_digit(s[0]) || s[0] == '-' || s[0] == '+' || s[0] == '.') return true;
  return s == "true" || s == "True" || s == "TRUE" || s == "false" || s == "False" || s == "FALSE";
}

std::string_view view(const yaml_char_t* text) {
  return text ? reinterpret_cast<const char*>(text) : std::string_view();
}

// The events of one text, by libyaml.
class Events {
 public:
  explicit Events(std::string_view text) {
    HG_CHECK(yaml_parser_initialize(&parser_), "memory for a parser");
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
    text_ = text;
  }
  Events(const Events&) = delete;
  Events& operator=(const Events&) = delete;
  ~Events() {
    yaml_event_delete(&event_);
    yaml_parser_delete(&parser_);
  }

  // Valid until the next call; nullptr: not YAML, see why().
  const yaml_event_t* next() {
    yaml_event_delete(&event_);
    return yaml_parser_parse(&parser_, &event_) ? &event_ : nullptr;
  }
  bool wants_document_start() const {
    return parser_.problem && view_of(parser_.problem) == "did not find expected <document start>";
  }
  int line() const {
    if (parser_.error != YAML_READER_ERROR) return static_cast<int>(parser_.problem_mark.line) + 1;
    const std::string_view before = text_.substr(0, parser_.problem_offset);
    return static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1;
  }
  std::string why() const {
    return parser_.context ? fmt::format("not YAML: {} {}", parser_.problem, parser_.context)
                           : fmt::format("not YAML: {}", view_of(parser_.problem));
  }

 private:
  static std::string_view view_of(const char* text) { return text ? text : "out of memory"; }
  yaml_parser_t parser_{};
  yaml_event_t event_{};
  std::string_view text_;
};

// Builds the tree from events, until one of them is refused. A frame is a container under
// construction.
class Builder {
 public:
  explicit Builder(Document& out) : out_(out) {}

  // False: refused() says why.
  bool take(const yaml_event_t& event) {
    line_ = static_cast<int>(event.start_mark.line) + 1;
    switch (event.type) {
      case YAML_SCALAR_EVENT: return take_scalar(event);
      case YAML_ALIAS_EVENT: return take_alias(view(event.data.alias.anchor));
      case YAML_SEQUENCE_START_EVENT:
        return open(view(event.data.sequence_start.tag), view(event.data.sequence_start.anchor),
                    Json::array());
      case YAML_MAPPING_START_EVENT:
        return open(view(event.data.mapping_start.tag), view(event.data.mapping_start.anchor),
                    Json::object());
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT: close(); return true;
      default: return true;
    }
  }
  const Refused& refused() const { return refused_; }

 private:
  struct Frame {
    Json value;
    std::uint64_t place;
    std::string anchor;
    std::size_t nodes_before;
    std::string key;
    bool has_key = false;
  };

  bool refuse(std::string message) {
    refused_ = {line_, std::move(message)};
    return false;
  }
  bool wants_key() const {
    return !frames_.empty() && frames_.back().value.is_object() && !frames_.back().has_key;
  }

  bool take_scalar(const yaml_event_t& event) {
    const auto& scalar = event.data.scalar;
    const std::string_view text(reinterpret_cast<const char*>(scalar.value), scalar.length);
    const bool plain = !scalar.tag && scalar.style == YAML_PLAIN_SCALAR_STYLE;
    const bool is_null = plain && is_null_text(text);
    if (wants_key() && !is_null) return take_key(text);
    if (!takes_tag(view(scalar.tag))) return false;
    const std::string_view anchor = view(scalar.anchor);
    if (is_null) return leaf(anchor, nullptr);
    return leaf(anchor, plain && may_be_no_text(text) ? plain_scalar(text) : Json(text));
  }

  bool take_alias(std::string_view anchor) {
    const auto it = anchors_.find(anchor);
    if (it == anchors_.end())
      return refuse(fmt::format("alias '{}' stands for nothing that ends before it", anchor));
    if (wants_key()) return refuse("expected a key that is text, got an alias");
    if (!count(it->second.nodes)) return false;
    Json copy = it->second.value;
    note_line();
    attach(std::move(copy));
    return true;
  }

  bool takes_tag(std::string_view tag) {
    if (tag.empty() || tag == "!" || tag == YAML_STR_TAG) return true;
    return refuse(fmt::format("expected a value without a tag, got tag '{}'", tag));
  }

  bool count(std::size_t nodes) {
    nodes_ += nodes;
    return nodes_ <= kNodesMax ||
           refuse(fmt::format("expected at most {} values in a document, aliases included",
                              kNodesMax));
  }

  bool take_key(std::string_view key) {
    Frame& frame = frames_.back();
    if (frame.value.contains(key)) return refuse(fmt::format("key '{}' stands here twice", key));
    frame.key = key;
    frame.has_key = true;
    out_.lines.add(place_of(frame.place, key), line_);
    return count(1);
  }

  std::uint64_t next_place() const {
    if (frames_.empty()) return kRootPlace;
    const Frame& frame = frames_.back();
    return frame.value.is_object() ? place_of(frame.place, frame.key)
                                   : place_of(frame.place, frame.value.size());
  }

  void note_line() {
    if (frames_.empty()) out_.line = line_;
    if (frames_.empty() || frames_.back().value.is_array()) out_.lines.add(next_place(), line_);
  }

  void attach(Json value) {
    if (frames_.empty()) {
      out_.value = std::move(value);
    } else if (Frame& frame = frames_.back(); frame.value.is_array()) {
      frame.value.push_back(std::move(value));
    } else {
      frame.value[frame.key] = std::move(value);
      frame.has_key = false;
    }
  }

  bool leaf(std::string_view anchor, Json value) {
    if (wants_key()) return refuse("expected a key that is text");
    if (!count(1)) return false;
    if (!anchor.empty()) anchors_.insert_or_assign(std::string(anchor), Anchored{value, 1});
    note_line();
    attach(std::move(value));
    return true;
  }

  bool open(std::string_view tag, std::string_view anchor, Json value) {
    if (!takes_tag(tag)) return false;
    if (wants_key()) return refuse("expected a key that is text");
    if (frames_.size() >= kDepthMax)
      return refuse(fmt::format("expected at most {} levels of nesting", kDepthMax));
    if (!count(1)) return false;
    note_line();
    if (!anchor.empty()) anchors_.erase(std::string(anchor));  // it stands for this one from here
    frames_.push_back({std::move(value), next_place(), std::string(anchor), nodes_ - 1, {}, false});
    return true;
  }

  void close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    if (!frame.anchor.empty())
      anchors_.insert_or_assign(frame.anchor, Anchored{frame.value, nodes_ - frame.nodes_before});
    attach(std::move(frame.value));
  }

  Document& out_;
  int line_ = 1;  // of the event
  std::size_t nodes_ = 0;
  std::vector<Frame> frames_;
  std::unordered_map<std::string, Anchored, StringHash, std::equal_to<>> anchors_;
  Refused refused_{};
};

void report(Problems& problems, std::string_view file, int line, std::string message) {
  problems.add({Severity::kError, std::string(file), line, {}, {}, std::move(message), {}});
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// What stands before a "---" may be directives and comments alone: no document.
bool is_preamble(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = take_until(text, '\n');
    if (!line.starts_with('%') && !line.starts_with('#') && !is_blank(line)) return false;
  }
  return true;
}

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// Nothing: `out` holds what was read, null when that was nothing.
std::optional<Refused> build(std::string_view text, Document& out) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (is_preamble(text)) return std::nullopt;
  constexpr std::string_view kTwo = "expected '---' between documents";
  Events events(text);
  Builder builder(out);
  bool begun = false;
  while (const yaml_event_t* event = events.next()) {
    if (event->type == YAML_STREAM_END_EVENT) {
      out.lines.seal();
      return std::nullopt;
    }
    const bool begins = event->type == YAML_DOCUMENT_START_EVENT;
    if (begins && std::exchange(begun, true))
      return Refused{static_cast<int>(event->start_mark.line) + 1, std::string(kTwo)};
    if (!builder.take(*event)) return builder.refused();
  }
  if (begun && events.wants_document_start()) return Refused{events.line(), std::string(kTwo)};
  return Refused{events.line(), events.why()};
}

bool is_separator(std::string_view line) {
  return line.starts_with("---") &&
         (line.size() == 3 || line[3] == ' ' || line[3] == '\t' || line[3] == '\r');
}

}  // namespace

std::vector<DocumentText> split_documents(std::string_view text) {
  std::vector<DocumentText> out;
  std::size_t begin = 0;
  int line = 1, first_line = 1;
  const auto cut = [&](std::size_t end) {
    const std::string_view part = text.substr(begin, end - begin);
    if (!is_blank(part)) out.push_back({part, first_line});
    begin = end;
    first_line = line;
  };
  for (std::size_t at = 0; at < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (is_separator(text.substr(at, end - at)) && at > begin) cut(at);
    at = end + 1;
  }
  cut(text.size());
  return out;
}

std::optional<Document> parse_document(const DocumentText& document, std::string_view file,
                                       Problems& problems) {
  const auto refuse = [&](int line, std::string message) {
    report(problems, file, document.first_line + line - 1, std::move(message));
  };
  if (document.text.size() > kDocumentBytesMax) {
    refuse(1, fmt::format("expected a document of at most {} bytes, got {}", kDocumentBytesMax,
                          document.text.size()));
    return std::nullopt;
  }
  Document out;
  out.first_line = document.first_line;
  if (const auto refused = build(document.text, out)) {
    refuse(refused->line, refused->message);
  } else if (!out.value.is_null()) {
    return out;
  }
  return std::nullopt;
}

std::vector<Document> parse_yaml(std::string_view text, std::string_view file, Problems& problems) {
  std::vector<Document> out;
  for (const DocumentText& document : split_documents(text))
    if (auto parsed = parse_document(document, file, problems)) out.push_back(std::move(*parsed));
  return out;
}

Json plain_scalar(std::string_view text) {
  return Json::binary(std::vector<std::uint8_t>(text.begin(), text.end()));
}

const std::vector<std::uint8_t>* undecided(const Json& value) {
  return value.is_binary() ? &value.get_binary() : nullptr;
}

Json decide_scalar(std::string_view s) {
  if (s == "true" || s == "True" || s == "TRUE") return true;
  if (s == "false" || s == "False" || s == "FALSE") return false;
  std::int64_t integer = 0;
  if (const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), integer);
      error == std::errc() && end == s.data() + s.size())
    return integer;
  double number = 0;
  if (const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), number);
      error == std::errc() && end == s.data() + s.size())
    return number;
  return std::string(s);
}

}  // namespace headgate::config
