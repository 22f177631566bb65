#include "base/metrics_text.h"

#include <gtest/gtest.h>

namespace headgate {
namespace {

TEST(MetricsText, WritesAFamilyOnceAndItsSamplesBelow) {
  MetricsText out;
  out.family("headgate_requests_total", "counter", "Requests.");
  out.sample({{"rule", "a"}}, std::uint64_t{3});
  out.sample({}, 0.5);
  EXPECT_EQ(out.text(),
            "# HELP headgate_requests_total Requests.\n# TYPE headgate_requests_total counter\n"
            "headgate_requests_total{rule=\"a\"} 3\nheadgate_requests_total 0.5\n");
}

TEST(MetricsText, EscapesWhatWouldEndALabelOrALine) {
  MetricsText out;
  out.family("x", "gauge", "a\\b\nc\"d");
  out.sample({{"l", "q\"b\\n\nz"}}, std::uint64_t{1});
  EXPECT_EQ(out.text(), "# HELP x a\\\\b\\nc\"d\n# TYPE x gauge\nx{l=\"q\\\"b\\\\n\\nz\"} 1\n");
}

TEST(MetricsText, AddsUpTheHistogramsOfAllWorkersInCumulativeBuckets) {
  Histogram first, second;
  first.record(10);
  first.record(64);
  second.record(1'000'000);
  second.record(UINT64_C(1) << 50);  // beyond every bound
  const Histogram* parts[] = {&first, &second};
  MetricsText out;
  out.family("h_seconds", "histogram", "H.");
  out.histogram({{"u", "x"}}, parts, 2);
  const std::string& text = out.text();
  const auto has = [&](std::string_view line) { return text.find(line) != std::string::npos; };
  EXPECT_TRUE(has("h_seconds_bucket{u=\"x\",le=\"6.4e-05\"} 1\n")) << text;
  EXPECT_TRUE(has("h_seconds_bucket{u=\"x\",le=\"0.000128\"} 2\n")) << text;
  EXPECT_TRUE(has("h_seconds_bucket{u=\"x\",le=\"0.524288\"} 2\n")) << text;
  EXPECT_TRUE(has("h_seconds_bucket{u=\"x\",le=\"1.048576\"} 3\n")) << text;
  EXPECT_TRUE(has("h_seconds_bucket{u=\"x\",le=\"134.217728\"} 3\n")) << text;
  EXPECT_TRUE(has("h_seconds_bucket{u=\"x\",le=\"+Inf\"} 4\n")) << text;
  EXPECT_TRUE(has("h_seconds_count{u=\"x\"} 4\n")) << text;
}

TEST(MetricsText, AHistogramWithoutLabelsCarriesItsBoundAlone) {
  MetricsText out;
  out.family("h_seconds", "histogram", "H.");
  out.histogram({}, nullptr, 0);
  EXPECT_NE(
      out.text().find("h_seconds_bucket{le=\"+Inf\"} 0\nh_seconds_sum 0\nh_seconds_count 0\n"),
      std::string::npos);
}

}  // namespace
}  // namespace headgate
