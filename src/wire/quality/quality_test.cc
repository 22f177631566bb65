#include "wire/quality/quality.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate::wire::quality {
namespace {

// "value[parameters]weight ..." and "!" when malformed.
std::string read(std::string_view text) {
  List list(text);
  std::string out;
  while (const auto element = list.next()) {
    out.append(element->value);
    if (!element->parameters.empty()) out.append("[").append(element->parameters).append("]");
    out.append("=").append(std::to_string(element->weight)).append(" ");
  }
  return list.malformed() ? out + "!" : out;
}

TEST(Quality, reads_weights_in_thousandths) {
  EXPECT_EQ(read("gzip, br;q=0.5, *;q=0"), "gzip=1000 br=500 *=0 ");
  EXPECT_EQ(read("a ; Q=0.123 ,b;q=1.000,c;q=0."), "a=123 b=1000 c=0 ");
}

TEST(Quality, keeps_the_parameters_before_the_weight_and_drops_those_after_it) {
  EXPECT_EQ(read("text/html;level=1;q=0.4;ext=2, text/*"), "text/html[level=1]=400 text/*=1000 ");
  EXPECT_EQ(read(R"(a/b;x="1,2;q=0.1";q=0.9)"), R"(a/b[x="1,2;q=0.1"]=900 )");
  EXPECT_EQ(read(R"(a/b; x="\"," ; q=0.9)"), R"(a/b[x="\","]=900 )");
}

TEST(Quality, skips_empty_elements) {
  EXPECT_EQ(read(""), "");
  EXPECT_EQ(read(" , ,\t,gzip,,"), "gzip=1000 ");
}

TEST(Quality, the_first_malformed_element_ends_the_list) {
  for (const char* bad : {"a;q=2", "a;q=1.001", "a;q=0.1234", "a;q=", "a;q=-1", "a;q=.5", ";q=1",
                          "a b", "a;x=\"1", "a;q= 1", "a;q=1e0"}) {
    List list(bad);
    while (list.next()) {
    }
    const bool weight_alone_is_fine = std::string_view(bad) == "a;q=0,5x;q";
    EXPECT_EQ(list.malformed(), !weight_alone_is_fine) << bad;
    EXPECT_FALSE(list.next());
  }
}

TEST(Quality, a_list_is_bounded) {
  std::string text;
  for (std::size_t i = 0; i < kElementsMax; ++i) text += "x,";
  EXPECT_EQ(read(text).find('!'), std::string::npos);
  EXPECT_NE(read(text + "x").find('!'), std::string::npos);
}

TEST(Quality, every_weight_with_three_decimals_reads_as_itself) {
  for (int i = 0; i <= 1000; ++i) {
    const std::string digits = std::to_string(1000 + i % 1000).substr(1);
    EXPECT_EQ(parse_weight((i == 1000 ? "1." : "0.") + digits), i);
  }
}

}  // namespace
}  // namespace headgate::wire::quality
