#include "roles/proxy/cache/labels.h"

#include <gtest/gtest.h>

#include <set>

namespace headgate::proxy {
namespace {

using decide::cache::KeyInput;

std::string url_label(const KeyInput& url) {
  std::string out;
  append_url_label(out, url);
  return out;
}

std::string label_of(std::string_view text) {
  std::string path;
  const auto url = read_url(text, path);
  return url ? url_label(*url) : "refused: " + url.error().message;
}

TEST(CacheLabels, AreTextsThatNoOtherKindCanHave) {
  std::string out = "kept ";
  append_namespace_label(out, "shop");
  append_host_label(out, "A.Example");
  append_tag_label(out, "shop", "News");
  EXPECT_EQ(out, "kept nshopha.exampletshop\nNews");
}

TEST(CacheLabels, AUrlIsSpelledAsTheKeyOfARequestForItIs) {
  decide::cache::KeyBuilder keys({1, 2});
  for (const char* text : {"https://a.example/b?c=d", "HTTPS://A.example:443/b?c=d",
                           "https://a.example/x/../b?c=d", "https://a.example/%62?c=d"}) {
    std::string path;
    const auto url = read_url(text, path);
    ASSERT_TRUE(url) << text;
    const auto key = keys.build(*url, {}, {});
    std::string shown;
    decide::cache::append_key_text(shown, *decide::cache::read_key(key.bytes));
    EXPECT_EQ(shown, "https://a.example/b?c=d") << text;
    EXPECT_EQ(label_of(text), "u" + shown) << text;
  }
}

TEST(CacheLabels, WhatARequestTellsApartHasLabelsOfItsOwn) {
  std::set<std::string> labels;
  const char* const texts[] = {"http://a/",     "https://a/", "http://a:8080/", "http://a/?",
                               "http://a/?b",   "http://a/b", "http://a/B",     "http://a/b/",
                               "http://[::1]/", "http://a./", "http://a//",     "http://a/%2F"};
  for (const char* text : texts) labels.insert(label_of(text));
  EXPECT_EQ(labels.size(), std::size(texts));
  EXPECT_EQ(label_of("http://a"), label_of("http://a/"));
  EXPECT_EQ(label_of("http://a?b"), label_of("http://a/?b"));
  EXPECT_EQ(label_of("http://[::1]:80/"), "uhttp://[::1]/");
}

TEST(CacheLabels, ALongUrlIsCutButNotMistakenForAnother) {
  const std::string path(5000, 'a');
  const std::string one = label_of("http://a/" + path + "1"),
                    two = label_of("http://a/" + path + "2");
  EXPECT_EQ(one.size(), kLabelTextMax);
  EXPECT_NE(one, two);
  EXPECT_EQ(one, label_of("http://A:80/" + path + "1"));
  const std::string fits = "http://a/" + std::string(kLabelTextMax - 1 - 9, 'a');
  EXPECT_EQ(label_of(fits), "u" + fits);
}

TEST(CacheLabels, WhatIsNoUrlIsRefusedWithWhatWasExpected) {
  const auto refused = [](std::string_view text, std::string_view says) {
    const std::string label = label_of(text);
    EXPECT_TRUE(label.starts_with("refused")) << text;
    EXPECT_NE(label.find(says), std::string::npos) << label;
  };
  refused("a.example/b", "http:// or https://");
  refused("ftp://a.example/b", "http:// or https://");
  refused("", "http:// or https://");
  refused("https:///b", "host name");
  refused("https://user@a.example/", "host name");
  refused("https://a.example:0/", "host name");
  refused("https://a.example/b#c", "'#'");
  refused("https://a.example/%zz", "https://a.example/%zz");
  refused("https://a.example/a b\n", "a b");
}

TEST(CacheLabels, APrefixIsTheBeginningOfLocators) {
  EXPECT_EQ(canonical_prefix("HTTP://A.example:80/img/").value(), "http://a.example/img/");
  EXPECT_EQ(canonical_prefix("http://a.example/x/../im").value(), "http://a.example/im");
  EXPECT_EQ(canonical_prefix("http://a.example:81").value(), "http://a.example:81/")
      << "port 81 alone, not 8123 nor a.example.org";
  EXPECT_EQ(canonical_prefix("http://a.example/img/..").value(), "http://a.example/img/..")
      << "the beginning of a name, not a way up";
  EXPECT_EQ(canonical_prefix("http://a.example/%7e%2fb").value(), "http://a.example/~%2Fb");
  EXPECT_FALSE(canonical_prefix("http://a.example/%2"));
  EXPECT_FALSE(canonical_prefix("http://a.example/b?c"));
  EXPECT_FALSE(canonical_prefix("http://a.example?"));
  EXPECT_FALSE(canonical_prefix("/img/"));
}

TEST(CacheLabels, HostsNamespacesAndTagsAreStrict) {
  EXPECT_EQ(canonical_host("WWW.Example").value(), "www.example");
  EXPECT_EQ(canonical_host("[::1]").value(), "::1");
  for (const char* bad : {"", "a:80", "a/b", "*.a.example", "a b"})
    EXPECT_FALSE(canonical_host(bad)) << bad;
  EXPECT_TRUE(check_namespace("shop-2"));
  for (const char* bad : {"", "Shop", "-a", "a-", "a.b", "a\nb"})
    EXPECT_FALSE(check_namespace(bad)) << bad;
  EXPECT_FALSE(check_namespace(std::string(64, 'a')));
  EXPECT_TRUE(check_tag("Article:17/de"));
  for (const char* bad : {"", "a b", "a,b", "a\tb", "a\nb", "a\x7f"})
    EXPECT_FALSE(check_tag(bad)) << bad;
  EXPECT_FALSE(check_tag(std::string(257, 'a')));
}

TEST(CacheLabels, TheHashOnTheDiskStaysTheSameBetweenVersions) {
  EXPECT_EQ(label_hash("nshop"), label_hash("nshop"));
  EXPECT_NE(label_hash("nshop"), label_hash("hshop"));
  EXPECT_EQ(label_hash("tshop\nnews"), 1470721922265542045ULL);
}

}  // namespace
}  // namespace headgate::proxy
