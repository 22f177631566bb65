#include "config/yaml.h"

#include <gtest/gtest.h>
#include <yaml.h>

#include "base/hash.h"

namespace headgate::config {
namespace {

std::string problems_of(std::string_view text) {
  Problems problems;
  parse_yaml(text, "f", problems);
  std::string out;
  for (const Problem& problem : problems.all()) out += to_string(problem) + "\n";
  return out;
}

Json only(std::string_view text) {
  Problems problems;
  auto documents = parse_yaml(text, "f", problems);
  EXPECT_EQ(problems.errors(), 0U);
  EXPECT_EQ(documents.size(), 1U);
  return documents.empty() ? Json() : documents[0].value;
}

TEST(Yaml, PlainScalarsThatMayBeNumbersStayUndecided) {
  const Json value = only("{a: 0777, b: '0777', c: on, d: no, e: 1e3, f: ~, g: text}");
  EXPECT_EQ(value["a"], plain_scalar("0777"));
  EXPECT_EQ(value["b"], "0777");
  EXPECT_EQ(value["c"], "on");
  EXPECT_EQ(value["d"], "no");
  EXPECT_EQ(value["e"], plain_scalar("1e3"));
  EXPECT_TRUE(value["f"].is_null());
  EXPECT_EQ(value["g"], "text");
}

TEST(Yaml, ABrokenDocumentCostsItselfAlone) {
  Problems problems;
  const auto documents = parse_yaml("a: 1\n---\nb: [1\n---\nc: 3\n", "f", problems);
  ASSERT_EQ(documents.size(), 2U);
  EXPECT_TRUE(documents[1].value.contains("c"));
  EXPECT_EQ(problems.errors(), 1U);
}

TEST(Yaml, EveryNodeHasItsLineWithinTheDocument) {
  Problems problems;
  const auto documents = parse_yaml("a: 1\n---\n\nb:\n- 1\n- c: 2\n", "f", problems);
  ASSERT_EQ(documents.size(), 2U);
  const Lines& lines = documents[1].lines;
  const auto b = place_of(kRootPlace, "b");
  EXPECT_EQ(documents[1].first_line, 2);
  EXPECT_EQ(lines.find(b), 3);
  EXPECT_EQ(lines.find(place_of(b, std::size_t{0})), 4);
  EXPECT_EQ(lines.find(place_of(place_of(b, std::size_t{1}), "c")), 5);
}

TEST(Yaml, ADuplicateKeyIsAnError) {
  EXPECT_EQ(problems_of("a: 1\nb: 2\na: 3\n"), "f:3: key 'a' stands here twice\n");
}

TEST(Yaml, WhatIsNotYamlIsToldWithItsLine) {
  EXPECT_EQ(problems_of("a: 1\nb: [1,\nc: 2\n"),
            "f:4: not YAML: did not find expected ',' or ']' while parsing a flow sequence\n");
  EXPECT_EQ(problems_of("a: 1\n---\nb: 'x\n"),
            "f:4: not YAML: found unexpected end of stream while scanning a quoted scalar\n");
  EXPECT_EQ(problems_of("a: 1\nb: \xff\n"), "f:2: not YAML: invalid leading UTF-8 octet\n");
}

TEST(Yaml, AKeyIsText) {
  for (const char* const text : {"~: 1\n", "? [a]\n: 1\n", "? {a: 1}\n: 1\n"})
    EXPECT_EQ(problems_of(text), "f:1: expected a key that is text\n") << text;
  EXPECT_EQ(only("8080: x\n'': y\n")["8080"], "x");
}

TEST(Yaml, DirectivesAndCommentsBeforeADocumentAreNone) {
  EXPECT_EQ(only("%YAML 1.2\n# c\n---\na: b\n")["a"], "b");
}

TEST(Yaml, AnAliasThatStandsForNothingIsRefused) {
  EXPECT_EQ(problems_of("a: *x\n"), "f:1: alias 'x' stands for nothing that ends before it\n");
}

TEST(Yaml, AnAliasStandsForTheAnchorThatWasSetLast) {
  EXPECT_EQ(only("a: &x k\nb: &x v\nc: *x\n")["c"], "v");
  EXPECT_NE(problems_of("a: &x k\nb: &x [*x]\n"), "");
}

TEST(Yaml, AQuoteThatIsLeftOpenIsAnError) {
  for (const char* const text : {"a: 'x", "a: 'x\n", "a: \"x\n\n", "a: 'x\n---\nb: 1\n"})
    EXPECT_NE(problems_of(text), "") << text;
}

TEST(Yaml, AnEndOfDocumentIsRead) {
  EXPECT_EQ(only("a: 1\n...\n")["a"], plain_scalar("1"));
  EXPECT_EQ(only("a: |\n  x\n")["a"], "x\n");
  EXPECT_EQ(only("a: |\n  x")["a"], "x");
  EXPECT_EQ(problems_of("a: 1\n...\nb: 2\n"), "f:3: expected '---' between documents\n");
}

TEST(Yaml, TagsAreRefused) {
  EXPECT_EQ(problems_of("a: !!binary aGk=\n"),
            "f:1: expected a value without a tag, got tag 'tag:yaml.org,2002:binary'\n");
}

TEST(Yaml, AnAliasIsACopy) { EXPECT_EQ(only("a: &x {k: v}\nb: *x\n")["b"]["k"], "v"); }

TEST(Yaml, AnAliasWithinItsOwnAnchorIsRefused) { EXPECT_NE(problems_of("a: &x [*x]\n"), ""); }

TEST(Yaml, ABillionLaughsAreRefused) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string name = "a" + std::to_string(i), before = "*a" + std::to_string(i - 1);
    text += name + ": &" + name + " [";
    for (int k = 0; k < 10; ++k) text += before + (k < 9 ? ", " : "]\n");
  }
  EXPECT_NE(problems_of(text).find("expected at most 50000 values in a document, aliases included"),
            std::string::npos);
}

TEST(Yaml, DeepNestingIsRefused) {
  EXPECT_EQ(problems_of(std::string(40, '[') + std::string(40, ']')),
            "f:1: expected at most 32 levels of nesting\n");
  EXPECT_NE(problems_of(std::string(100000, '[')), "");
}

TEST(Yaml, AHugeDocumentIsRefused) {
  EXPECT_NE(problems_of("a: " + std::string(kDocumentBytesMax, 'x'))
                .find("expected a document of at most"),
            std::string::npos);
}

TEST(Yaml, BinaryRubbishIsReported) {
  EXPECT_NE(problems_of(std::string("\x01\x02{{{\xff", 7)), "");
}

TEST(Yaml, WindowsLineEndsAndAByteOrderMarkAreRead) {
  EXPECT_EQ(only("\xef\xbb\xbf"
                 "a: text\r\nb: more\r\n")["b"],
            "more");
}

std::string shown(const yaml_event_t& event) {
  switch (event.type) {
    case YAML_ALIAS_EVENT: return "* ";
    case YAML_SCALAR_EVENT:
      return std::to_string(event.data.scalar.style) + "(" +
             std::string(reinterpret_cast<const char*>(event.data.scalar.value),
                         event.data.scalar.length) +
             ") ";
    case YAML_SEQUENCE_START_EVENT: return "[ ";
    case YAML_SEQUENCE_END_EVENT: return "] ";
    case YAML_MAPPING_START_EVENT: return "{ ";
    case YAML_MAPPING_END_EVENT: return "} ";
    default: return "";
  }
}

// What libyaml makes of a whole stream, which it cuts apart itself: a line of events for each
// document that is not empty. Nothing when it finds fault.
std::optional<std::vector<std::string>> whole_stream(std::string_view text) {
  const std::string empty = "1() ";
  yaml_parser_t parser;
  yaml_parser_initialize(&parser);
  yaml_parser_set_input_string(&parser, reinterpret_cast<const unsigned char*>(text.data()),
                               text.size());
  std::vector<std::string> out;
  std::string document;
  for (bool over = false, good = true; !over;) {
    yaml_event_t event;
    good = yaml_parser_parse(&parser, &event) != 0;
    over = !good || event.type == YAML_STREAM_END_EVENT;
    if (good && event.type == YAML_DOCUMENT_END_EVENT && document != empty) out.push_back(document);
    document = good && event.type != YAML_DOCUMENT_END_EVENT ? document + shown(event) : "";
    if (good) yaml_event_delete(&event);
    if (good) continue;
    yaml_parser_delete(&parser);
    return std::nullopt;
  }
  yaml_parser_delete(&parser);
  return out;
}
std::optional<std::vector<std::string>> by_scan(const std::string& text) {
  std::vector<std::string> out;
  for (const DocumentText& document : split_documents(text)) {
    if (document.text.starts_with('%')) continue;  // directives belong to what follows
    const auto inner = whole_stream(document.text);
    if (!inner) return std::nullopt;
    out.insert(out.end(), inner->begin(), inner->end());
  }
  return out;
}

TEST(Yaml, TheScanForDocumentsAgreesWithTheParser) {
  const char* const cases[] = {
      "a: |\n  x\n---\nb: 1\n", "a: |\n  ---\n  x\n---\nb: 1\n",
      "a: >\n ---\n---\nb\n",   "--- |\n---\n--- >\n---\n",
      "a: 'x\n---\ny'\n",       "a: \"x\n --- y\"\n",
      "a: x\n --- y\n",         "--- # c\na: 1\n--- {b: 2}\n",
      "---a: 1\n---\nb: 2\n",   "a: 1\n...\n---\nb: 2\n",
      "---\ta\n---\tb\n",       "# c\n---\n# d\n---\na: 1\n",
      "%YAML 1.2\n---\na: 1\n", "a: 1\r\n---\r\nb: 2\r\n",
      "- ---\n- x\n---\n- y\n", "---- a\n---\nb\n",
      "a: [1,\n---\n2]\n",      "a: &x 1\n---\nb: *x\n",
  };
  for (const char* const text : cases) EXPECT_EQ(by_scan(text), whole_stream(text)) << text;
}

TEST(Yaml, TheScanForDocumentsAgreesWithTheParserOnRandomText) {
  const char* const parts[] = {"---", "--- ", "a: 1", "b: |", "c: >-", "  ---", "  text", "- x",
                               "'q",  "q'",   "\"",   "{",    "}",     "[",     "]",      ", ",
                               "# c", "\n",   "\n",   "\n",   "\n",    "\r\n",  "...",    "---\n",
                               "&a ", "*a",   "? ",   ": ",   " --- ", "-"};
  std::uint64_t state = 1;
  const auto pick = [&](std::uint64_t below) { return (state = scramble64(state + 1)) % below; };
  int good = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (std::uint64_t i = 1 + pick(12); i > 0; --i) text += parts[pick(std::size(parts))];
    const auto expected = whole_stream(text);
    good += expected && expected->size() > 1;
    ASSERT_EQ(by_scan(text), expected) << text;
  }
  EXPECT_GT(good, 100);
}

}  // namespace
}  // namespace headgate::config
