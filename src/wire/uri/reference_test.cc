#include "wire/uri/reference.h"

#include <gtest/gtest.h>

namespace headgate::wire::uri {
namespace {

std::string resolve(std::string_view reference, std::string_view base = "/b/c/d;p?q") {
  std::string storage;
  const auto out = resolve_reference(reference, base, storage);
  if (!out) return "none";
  return std::string(out->scheme) + "|" + std::string(out->authority) + "|" +
         std::string(out->target);
}

TEST(Reference, Rfc3986_5_4_1_RelativeReferencesBelongToTheBase) {
  EXPECT_EQ(resolve("g"), "||/b/c/g");
  EXPECT_EQ(resolve("./g/"), "||/b/c/./g/");
  EXPECT_EQ(resolve("../g?y#s"), "||/b/c/../g?y");
  EXPECT_EQ(resolve("/g"), "||/g");
  EXPECT_EQ(resolve("?y"), "||/b/c/d;p?y");
  EXPECT_EQ(resolve(""), "||/b/c/d;p?q");
  EXPECT_EQ(resolve("#s"), "||/b/c/d;p?q");
  EXPECT_EQ(resolve("a/b:c"), "||/b/c/a/b:c");
  EXPECT_EQ(resolve("g", "*"), "||/g");
}

TEST(Reference, Rfc3986_4_2_AnAuthorityReplacesThatOfTheBase) {
  EXPECT_EQ(resolve("//g"), "|g|/");
  EXPECT_EQ(resolve("//g:8080?y"), "|g:8080|?y");
  EXPECT_EQ(resolve("HTTPS://g/h?i#j"), "HTTPS|g|/h?i");
}

TEST(Reference, OtherSchemesAndEmptyAuthoritiesAreNotOurs) {
  for (const char* other : {"mailto:a@b", "http:g", "https:/g", "ftp://g/", "g:h", "//", "///a",
                            "http:///a", "javascript:alert(1)"})
    EXPECT_EQ(resolve(other), "none") << other;
}

}  // namespace
}  // namespace headgate::wire::uri
