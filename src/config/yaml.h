#pragma once
// YAML text -> JSON trees with the line of every node. The only file that sees libyaml.
//
// What YAML 1.1 would guess is left to the schema: a plain scalar that could be something else than
// text (8080, 1e3, 0777, true, on, 2024-01-01) becomes a JSON binary value that holds the text as
// written, and `validate` (schema.h) turns it into what the field wants. Quoted and block scalars
// are text; an empty value, `~` and `null` are null. Duplicate keys, aliases that grow past
// kNodesMax, nesting past kDepthMax and tags are errors.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/place.h"

namespace headgate::config {

using Json = nlohmann::json;

// One document of a text, as it stands there.
struct DocumentText {
  std::string_view text;
  int first_line = 1;  // of the whole text
};

// Lines are those of the document: its first one is 1, wherever in a file it stands.
struct Document {
  Json value;
  Lines lines;
  int line = 1;  // of its first node
  int first_line = 1;
};

// Cuts before every line that begins with "---": there a document ends whatever stands before it
// (YAML 1.2 §9.1.2: not even a scalar may hold such a line), so no parser is needed to find it.
// Documents of white space alone are left out.
std::vector<DocumentText> split_documents(std::string_view text);
// Nothing: it is empty, or cannot be read and is reported under `file`.
std::optional<Document> parse_document(const DocumentText& document, std::string_view file,
                                       Problems& problems);
// Every document of a file; a broken one costs itself alone.
std::vector<Document> parse_yaml(std::string_view text, std::string_view file, Problems& problems);

Json plain_scalar(std::string_view text);
// The text of a plain scalar that the schema has not decided yet; nullptr for every other value.
const std::vector<std::uint8_t>* undecided(const Json& value);
// Decides by the YAML 1.2 core schema, where no schema says what is wanted.
Json decide_scalar(std::string_view text);

}  // namespace headgate::config
