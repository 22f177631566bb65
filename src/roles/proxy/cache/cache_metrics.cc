#include "roles/proxy/cache/cache_metrics.h"

namespace headgate::proxy {
namespace {

using store::memory::Counts;

struct Row {
  std::string_view name, type, help;
  std::uint64_t Counts::* field;
};
constexpr Row kMemory[] = {
    {"headgate_cache_bytes", "gauge", "Memory that stored responses take, all of it.",
     &Counts::bytes_used},
    {"headgate_cache_bytes_max", "gauge", "Memory that stored responses may take.",
     &Counts::bytes_max},
    {"headgate_cache_objects", "gauge", "Responses in memory.", &Counts::objects},
    {"headgate_cache_stored_total", "counter", "Responses that were kept.", &Counts::stored},
    {"headgate_cache_evicted_total", "counter", "Responses that made room for others.",
     &Counts::evicted},
    {"headgate_cache_purged_total", "counter", "Responses that were found purged and freed.",
     &Counts::purged},
    {"headgate_cache_passed_through_total", "counter",
     "Responses that turned out too large to keep.", &Counts::passed_through},
    {"headgate_cache_fetches_shared_total", "counter",
     "Requests that waited for the fetch of another.", &Counts::collapsed},
    {"headgate_cache_fetches_handed_over_total", "counter",
     "Fetches that a waiting request took over.", &Counts::handed_over},
    {"headgate_cache_label_overflows_total", "counter",
     "Labels beyond the limit: their responses go with every purge by label.",
     &Counts::label_overflows},
};

void gauge(MetricsText& out, std::string_view name, std::string_view help, std::uint64_t value) {
  out.family(name, "gauge", help);
  out.sample({}, static_cast<double>(value));
}

void collect_disk(MetricsText& out, const ObjectCache& cache) {
  const auto disk = cache.disk();
  gauge(out, "headgate_cache_disk_up", "Whether the disk of the cache is in use and well.",
        disk && cache.disk_trouble().empty() ? 1 : 0);
  if (!disk) return;
  const auto figures = disk->figures();
  gauge(out, "headgate_cache_disk_objects", "Responses on the disk.", figures.objects);
  gauge(out, "headgate_cache_disk_bytes", "Of the segments on the disk.", figures.segment_bytes);
  out.family("headgate_cache_disk_events_total", "counter", "What the disk of the cache did.");
  for (std::size_t i = 0; i < store::disk::kCounts; ++i) {
    const auto count = static_cast<store::disk::Count>(i);
    out.sample({{"event", store::disk::to_string(count)}}, disk->counters().value(count));
  }
}

}  // namespace

void collect_cache(MetricsText& out, ObjectCache& cache) {
  const Counts counts = cache.memory().counts();
  for (const Row& row : kMemory) {
    out.family(row.name, row.type, row.help);
    if (row.type == "gauge")
      out.sample({}, static_cast<double>(counts.*row.field));
    else
      out.sample({}, counts.*row.field);
  }
  gauge(out, "headgate_cache_purge_journal_up",
        "Whether purges are written, so that a restart keeps to them.",
        cache.purges().is_failing() ? 0 : 1);
  out.family("headgate_cache_purge_journal_failures_total", "counter",
             "Times that the journal of purges could not be written.");
  out.sample({}, cache.purges().failures());
  if (cache.has_disk()) collect_disk(out, cache);
}

}  // namespace headgate::proxy
