#include "app/last_good.h"

#include <gtest/gtest.h>

#include "config/config.h"
#include "io/file.h"
#include "io/test_directory.h"

namespace headgate::app {
namespace {

constexpr const char* kResources = R"(
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: default}
spec: {gatewayClassName: headgate, listeners: [{name: http, protocol: HTTP, port: 8080}]}
---
apiVersion: headgate.io/v1alpha1
kind: Upstream
metadata: {name: shop, namespace: default}
spec: {endpoints: [{address: 127.0.0.1, port: 9000}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: default, annotations: {note: "yes", say: "größe \"1e3\" \\ 😀", number: "017"}}
spec:
  parentRefs: [{name: edge}]
  rules: [{backendRefs: [{group: headgate.io, kind: Upstream, name: shop}]}]
)";

void expect_same_again(std::string_view text, std::string_view name) {
  const config::Loaded first = config::load_text(text, name);
  ASSERT_EQ(first.problems.errors(), 0U) << config::to_string(first.problems.all()[0]);
  const config::Loaded again = config::load_text(to_documents(first.objects), "last good");
  ASSERT_EQ(again.problems.errors(), 0U) << config::to_string(again.problems.all()[0]);
  ASSERT_EQ(again.objects.size(), first.objects.size());
  for (std::size_t i = 0; i < first.objects.size(); ++i) {
    EXPECT_EQ(*again.objects[i]->value, *first.objects[i]->value);
  }
}

TEST(LastGood, WhatIsKeptIsReadBackAsTheSameResources) {
  expect_same_again(kResources, "test");
  const auto kept = to_documents(config::load_text(kResources, "test").objects);
  EXPECT_TRUE(config::compile(config::load_text(kept, "last good").objects, {}).snapshot);
}

TEST(LastGood, EveryKindIsReadBackWithItsDefaultsFilledIn) {
  for (const config::Kind& kind : config::all_kinds()) expect_same_again(kind.example, kind.name);
}

TEST(LastGood, KeepsTwoOlderOnesAndForgetsTheRest) {
  const io::TestDirectory directory;
  const std::string state = directory / "state";
  for (const char* text : {"one", "two", "two", "three", "four"})
    ASSERT_TRUE(keep_last_good(state, text));
  EXPECT_EQ(read_last_good(state).value(), "four");
  EXPECT_EQ(io::read_file(last_good_file(state, 1), 100).value(), "three");
  EXPECT_EQ(io::read_file(last_good_file(state, 2), 100).value(), "two");
  EXPECT_FALSE(io::read_file(last_good_file(state, 3), 100));
}

TEST(LastGood, IsAbsentBeforeAnythingServed) {
  const io::TestDirectory directory;
  EXPECT_EQ(read_last_good(directory / "state").error().code, Code::kNotFound);
}

}  // namespace
}  // namespace headgate::app
