#include "decide/route/rewrite.h"

#include <gtest/gtest.h>

namespace headgate::decide::route {
namespace {

using model::PathModifier;

std::string replaced(std::string_view path, std::string_view prefix, std::string value) {
  while (!prefix.empty() && prefix.back() == '/') prefix.remove_suffix(1);
  std::string out;
  append_modified_path(out, {PathModifier::Kind::kReplacePrefixMatch, std::move(value)}, path,
                       prefix.size());
  return out;
}

// The table in the API reference of HTTPPathModifier.
TEST(PathModifier, ReplacePrefixMatchFollowsTheTableOfTheSpecification) {
  EXPECT_EQ(replaced("/foo/bar", "/foo", "/xyz"), "/xyz/bar");
  EXPECT_EQ(replaced("/foo/bar", "/foo", "/xyz/"), "/xyz/bar");
  EXPECT_EQ(replaced("/foo/bar", "/foo/", "/xyz"), "/xyz/bar");
  EXPECT_EQ(replaced("/foo/bar", "/foo/", "/xyz/"), "/xyz/bar");
  EXPECT_EQ(replaced("/foo", "/foo", "/xyz"), "/xyz");
  EXPECT_EQ(replaced("/foo/", "/foo", "/xyz"), "/xyz/");
  EXPECT_EQ(replaced("/foo/bar", "/foo", ""), "/bar");
  EXPECT_EQ(replaced("/foo/", "/foo", ""), "/");
  EXPECT_EQ(replaced("/foo", "/foo", ""), "/");
  EXPECT_EQ(replaced("/foo/", "/foo", "/"), "/");
  EXPECT_EQ(replaced("/foo", "/foo", "/"), "/");
}

TEST(PathModifier, ReplacingTheRootPrefixKeepsTheWholePath) {
  EXPECT_EQ(replaced("/foo/bar", "/", "/xyz"), "/xyz/foo/bar");
  EXPECT_EQ(replaced("/", "/", "/xyz"), "/xyz/");
}

TEST(Rewrite, AFullPathReplacesAllOfItAndTheQueryStays) {
  const model::Rewrite rewrite{"", {PathModifier::Kind::kReplaceFullPath, "/new"}};
  EXPECT_EQ(rewritten_target(rewrite, "/old/path", "a=1", true, 0), "/new?a=1");
  EXPECT_EQ(rewritten_target(rewrite, "/old/path", "", true, 0), "/new?");
  EXPECT_EQ(rewritten_target({}, "/old", "", false, 0), "/old");
}

std::string location(const model::Redirect& redirect, RedirectRequest request) {
  request.host = request.host.empty() ? "h.example" : request.host;
  request.path = "/a";
  return redirect_location(redirect, request);
}

TEST(Redirect, TheListenersPortIsKeptUnlessItIsTheWellKnownOneOfTheScheme) {
  EXPECT_EQ(location({}, {.scheme = "http", .listener_port = 8080}), "http://h.example:8080/a");
  EXPECT_EQ(location({}, {.scheme = "http", .listener_port = 80}), "http://h.example/a");
  EXPECT_EQ(location({}, {.scheme = "https", .listener_port = 443}), "https://h.example/a");
  EXPECT_EQ(location({}, {.scheme = "https", .listener_port = 80}), "https://h.example:80/a");
}

TEST(Redirect, ASchemeOfTheFilterBringsItsWellKnownPort) {
  EXPECT_EQ(location({.scheme = "https"}, {.scheme = "http", .listener_port = 8080}),
            "https://h.example/a");
  EXPECT_EQ(location({.scheme = "http"}, {.scheme = "https", .listener_port = 8443}),
            "http://h.example/a");
}

TEST(Redirect, APortOfTheFilterWinsAndIsLeftOutWhenWellKnown) {
  EXPECT_EQ(location({.port = 8443}, {.scheme = "https", .listener_port = 443}),
            "https://h.example:8443/a");
  EXPECT_EQ(location({.scheme = "https", .port = 443}, {.scheme = "http", .listener_port = 80}),
            "https://h.example/a");
  EXPECT_EQ(location({.scheme = "http", .port = 443}, {.scheme = "http", .listener_port = 80}),
            "http://h.example:443/a");
}

TEST(Redirect, QueryPrefixAndIpv6HostAreKept) {
  const model::Redirect redirect{.path = {PathModifier::Kind::kReplacePrefixMatch, "/new"}};
  const RedirectRequest request{.scheme = "http",
                                .host = "2001:db8::1",
                                .listener_port = 80,
                                .path = "/old/x",
                                .query = "q=1",
                                .has_query = true,
                                .prefix_bytes = 4};
  EXPECT_EQ(redirect_location(redirect, request), "http://[2001:db8::1]/new/x?q=1");
}

}  // namespace
}  // namespace headgate::decide::route
