#include "config/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <unordered_map>

#include "base/ascii.h"

namespace headgate::config {
namespace {

// Thrown by the handler below and caught in parse_document; yaml-cpp offers no other way to stop.
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

// Builds the tree from events. A frame is a container under construction.
class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(Document& out) : out_(out) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    leaf(mark, anchor, nullptr);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (wants_key()) return take_key(mark, text);
    const bool plain = tag == "?";
    if (!plain) refuse_tag(mark, tag);
    if (plain && is_null_text(text)) return leaf(mark, anchor, nullptr);
    leaf(mark, anchor, plain && may_be_no_text(text) ? plain_scalar(text) : Json(text));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto it = anchors_.find(anchor);
    if (it == anchors_.end())
      throw Refused{line(mark), "an alias may not stand inside its own anchor"};
    if (wants_key()) throw Refused{line(mark), "expected a key that is text, got an alias"};
    count(mark, it->second.nodes);
    Json copy = it->second.value;
    place(mark, std::move(copy));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Json::array());
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Json::object());
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Json value;
    std::uint64_t place;
    YAML::anchor_t anchor;
    std::size_t nodes_before;
    std::string key;
    bool has_key = false;
  };

  static int line(const YAML::Mark& mark) { return mark.line + 1; }
  bool wants_key() const {
    return !frames_.empty() && frames_.back().value.is_object() && !frames_.back().has_key;
  }

  static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "!" || tag == "?" || tag == "tag:yaml.org,2002:str") return;
    throw Refused{line(mark), fmt::format("expected a value without a tag, got tag '{}'", tag)};
  }

  void count(const YAML::Mark& mark, std::size_t nodes) {
    nodes_ += nodes;
    if (nodes_ > kNodesMax)
      throw Refused{
          line(mark),
          fmt::format("expected at most {} values in a document, aliases included", kNodesMax)};
  }

  void take_key(const YAML::Mark& mark, const std::string& key) {
    Frame& frame = frames_.back();
    if (frame.value.contains(key))
      throw Refused{line(mark), fmt::format("key '{}' stands here twice", key)};
    count(mark, 1);
    frame.key = key;
    frame.has_key = true;
    out_.lines.add(place_of(frame.place, key), line(mark));
  }

  std::uint64_t next_place() const {
    if (frames_.empty()) return kRootPlace;
    const Frame& frame = frames_.back();
    return frame.value.is_object() ? place_of(frame.place, frame.key)
                                   : place_of(frame.place, frame.value.size());
  }

  void note_line(const YAML::Mark& mark) {
    if (frames_.empty()) out_.line = line(mark);
    if (frames_.empty() || frames_.back().value.is_array())
      out_.lines.add(next_place(), line(mark));
  }

  void place(const YAML::Mark& mark, Json value) {
    note_line(mark);
    attach(std::move(value));
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

  void leaf(const YAML::Mark& mark, YAML::anchor_t anchor, Json value) {
    if (wants_key()) throw Refused{line(mark), "expected a key that is text"};
    count(mark, 1);
    if (anchor) anchors_[anchor] = {value, 1};
    place(mark, std::move(value));
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Json value) {
    refuse_tag(mark, tag);
    if (wants_key()) throw Refused{line(mark), "expected a key that is text"};
    if (frames_.size() >= kDepthMax)
      throw Refused{line(mark), fmt::format("expected at most {} levels of nesting", kDepthMax)};
    count(mark, 1);
    note_line(mark);
    frames_.push_back({std::move(value), next_place(), anchor, nodes_ - 1, {}, false});
  }

  void close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    if (frame.anchor) anchors_[frame.anchor] = {frame.value, nodes_ - frame.nodes_before};
    attach(std::move(frame.value));
  }

  Document& out_;
  std::size_t nodes_ = 0;
  std::vector<Frame> frames_;
  std::unordered_map<YAML::anchor_t, Anchored> anchors_;
};

void report(Problems& problems, std::string_view file, int line, std::string message) {
  problems.add({Severity::kError, std::string(file), line, {}, {}, std::move(message), {}});
}

// yaml-cpp takes a quote that is still open after the last line for a closed one. With an end of
// document behind it, it does not; without a last line break it finds the mistake itself.
std::string with_end(std::string_view text) {
  std::string out(text);
  if (out.ends_with('\n')) out += "...\n";
  return out;
}

// False: empty.
bool build(std::string_view text, Document& out) {
  std::istringstream in(with_end(text));
  YAML::Parser parser(in);
  Builder builder(out);
  if (!parser.HandleNextDocument(builder)) return false;
  Document ignored;
  Builder rest(ignored);
  if (parser.HandleNextDocument(rest))
    throw Refused{ignored.line, "expected '---' between documents"};
  out.lines.seal();
  return !out.value.is_null();
}

bool is_separator(std::string_view line) {
  return line.starts_with("---") &&
         (line.size() == 3 || line[3] == ' ' || line[3] == '\t' || line[3] == '\r');
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
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
  try {
    if (build(document.text, out)) return out;
  } catch (const Refused& refused) {
    refuse(refused.line, refused.message);
  } catch (const YAML::Exception& error) {
    refuse(error.mark.is_null() ? 1 : error.mark.line + 1, "not YAML: " + error.msg);
  } catch (const std::exception& error) {
    refuse(1, fmt::format("not YAML: {}", error.what()));
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
