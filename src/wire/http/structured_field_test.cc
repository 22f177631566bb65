#include "wire/http/structured_field.h"

#include <gtest/gtest.h>

namespace headgate::wire::http {
namespace {

using Type = SfBareItem::Type;

std::string show(const SfBareItem& item) {
  const std::string number = std::to_string(item.number);
  switch (item.type) {
    case Type::kInteger: return number;
    case Type::kDecimal: return number + "/1000";
    case Type::kString: return "\"" + item.text + "\"";
    case Type::kToken: return item.text;
    case Type::kByteSequence: return ":" + item.text + ":";
    case Type::kBoolean: return "?" + number;
    case Type::kDate: return "@" + number;
    case Type::kDisplayString: return "%" + item.text;
  }
  return {};
}

std::string show(const SfParameters& parameters) {
  std::string out;
  for (const auto& p : parameters) out += ";" + p.key + "=" + show(p.value);
  return out;
}

std::string show(const std::optional<SfItem>& item) {
  return item ? show(item->value) + show(item->parameters) : "fails";
}

std::string show(const std::optional<std::vector<SfMember>>& members) {
  if (!members) return "fails";
  std::string out;
  for (const auto& m : *members) {
    if (!m.key.empty()) out += m.key + "=";
    if (m.is_inner_list) out += "(";
    for (const auto& item : m.items) out += show(item) + " ";
    if (m.is_inner_list) out += ")" + show(m.parameters);
    out += "| ";
  }
  return out;
}

TEST(StructuredField, Rfc9651_3_3_BareItemsOfEveryType) {
  EXPECT_EQ(show(parse_sf_item("  42  ")), "42");
  EXPECT_EQ(show(parse_sf_item("-0")), "0");
  EXPECT_EQ(show(parse_sf_item("-999999999999999")), "-999999999999999");
  EXPECT_EQ(show(parse_sf_item("1.5")), "1500/1000");
  EXPECT_EQ(show(parse_sf_item("-123456789012.125")), "-123456789012125/1000");
  EXPECT_EQ(show(parse_sf_item("\"a \\\"b\\\\\"")), "\"a \"b\\\"");
  EXPECT_EQ(show(parse_sf_item("*a/b:c!")), "*a/b:c!");
  EXPECT_EQ(show(parse_sf_item(":aGk=:")), ":hi:");
  EXPECT_EQ(show(parse_sf_item("?1")), "?1");
  EXPECT_EQ(show(parse_sf_item("?0")), "?0");
  EXPECT_EQ(show(parse_sf_item("@-1659578233")), "@-1659578233");
  EXPECT_EQ(show(parse_sf_item("%\"f%c3%bc\"")), "%f\xc3\xbc");
}

TEST(StructuredField, Rfc9651_4_2_OneWrongByteFailsTheItem) {
  for (const char* bad : {"",
                          " ",
                          "\t1",
                          "1\t",
                          "1 2",
                          "1000000000000000",
                          "1.",
                          "1.1234",
                          "1234567890123.1",
                          ".5",
                          "-",
                          "--1",
                          "+1",
                          "\"a",
                          "\"a\\b\"",
                          "\"\xc3\xbc\"",
                          "\"\t\"",
                          "a,b",
                          "'a'",
                          ":aGk=",
                          ":a:",
                          "?2",
                          "?",
                          "?true",
                          "@1.5",
                          "@",
                          "%\"%C3%BC\"",
                          "%\"%c3\"",
                          "%\"%ed%a0%80\"",
                          "%x",
                          "a;",
                          "a;B=1",
                          "a;b=",
                          "a; =1",
                          "a ;b",
                          "(1)"})
    EXPECT_EQ(show(parse_sf_item(bad)), "fails") << bad;
}

TEST(StructuredField, Rfc9651_4_2_3_2_ParametersKeepTheLastValueOfAKey) {
  EXPECT_EQ(show(parse_sf_item("a;b;c=2; b=?0")), "a;b=?0;c=2");
}

TEST(StructuredField, Rfc9651_4_2_1_ListsHoldItemsAndInnerLists) {
  EXPECT_EQ(show(parse_sf_list("a, \"b\"\t,( 1  2;x );y=1 ,()")),
            "a | \"b\" | (1 2;x=?1 );y=1| ()| ");
  EXPECT_EQ(show(parse_sf_list("")), "");
  for (const char* bad : {"a,", "a,,b", ",a", "a b", "(a", "(a,b)", "(a\"b\")", "(a\tb)", "((a))"})
    EXPECT_EQ(show(parse_sf_list(bad)), "fails") << bad;
}

TEST(StructuredField, Rfc9651_4_2_2_ADictionaryKeepsTheLastValueInTheFirstPlace) {
  EXPECT_EQ(show(parse_sf_dictionary("a=1, b;x=2, c=(1 2), a=3")), "a=3 | b=?1;x=2 | c=(1 2 )| ");
  EXPECT_EQ(show(parse_sf_dictionary("  ")), "");
  for (const char* bad : {"A=1", "a=", "a =1", "a= 1", "a=1,", "a=1;;", "1a", "a=1 b=2", "\ta=1"})
    EXPECT_EQ(show(parse_sf_dictionary(bad)), "fails") << bad;
}

TEST(StructuredField, MoreMembersThanTheLimitFailTheField) {
  std::string list = "a", inner = "(a", parameters = "a;k0", dictionary = "k0";
  for (std::size_t i = 1; i < kSfMembersMax; ++i) {
    list += ",a";
    dictionary += ",k" + std::to_string(i);
  }
  for (std::size_t i = 1; i < kSfInnerItemsMax; ++i) inner += " a";
  for (std::size_t i = 1; i < kSfParametersMax; ++i) parameters += ";k" + std::to_string(i);
  EXPECT_TRUE(parse_sf_list(list));
  EXPECT_FALSE(parse_sf_list(list + ",a"));
  EXPECT_TRUE(parse_sf_dictionary(dictionary));
  EXPECT_FALSE(parse_sf_dictionary(dictionary + ",z"));
  EXPECT_TRUE(parse_sf_list(inner + ")"));
  EXPECT_FALSE(parse_sf_list(inner + " a)"));
  EXPECT_TRUE(parse_sf_item(parameters));
  EXPECT_FALSE(parse_sf_item(parameters + ";z"));
}

TEST(StructuredField, Rfc9651_4_1_6_StringsAreWrittenWithEscapes) {
  std::string out;
  append_sf_string(out, "a\"b\\c");
  EXPECT_EQ(out, "\"a\\\"b\\\\c\"");
  EXPECT_EQ(parse_sf_item(out)->value.text, "a\"b\\c");
  EXPECT_TRUE(is_sf_token("a/b") && is_sf_token("*"));
  EXPECT_FALSE(is_sf_token("") || is_sf_token("1a") || is_sf_token("a b"));
  EXPECT_FALSE(is_sf_string("a\nb"));
}

}  // namespace
}  // namespace headgate::wire::http
