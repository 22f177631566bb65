// Bytes that claim to be a stored head: whatever is read lies within them.
#include <cstdlib>
#include <functional>

#include "roles/proxy/cache/stored_head.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view head(reinterpret_cast<const char*>(data), size);
  headgate::wire::http::Fields fields;
  const bool sound = headgate::proxy::read_stored_head(head, fields);
  if (!sound && !fields.empty()) std::abort();
  // What was read is what would be sent.
  const std::string_view lines = headgate::proxy::unchanging_lines(head);
  std::size_t line_bytes = 0;
  for (const auto& field : fields) line_bytes += field.name.size() + field.value.size() + 4;
  if (sound && !lines.empty() && lines.size() != line_bytes) std::abort();
  const std::less_equal<const char*> not_after;
  for (const auto& field : fields) {
    if (!not_after(head.data(), field.name.data())) std::abort();
    if (!not_after(field.value.data() + field.value.size(), head.data() + head.size()))
      std::abort();
  }
  return 0;
}
