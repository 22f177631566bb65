#include "app/last_good.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "io/file.h"

namespace headgate::app {

namespace {
constexpr mode_t kPrivate = 0600, kPrivateDirectory = 0700;
}

std::string last_good_file(const std::string& state, int age) {
  return age == 0 ? state + "/last-good.yaml" : fmt::format("{}/last-good.{}.yaml", state, age);
}

std::string to_documents(const config::Objects& objects) {
  std::string text;
  for (const auto& object : objects) {
    text += "---\n";
    text += object->value->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    text += '\n';
  }
  return text;
}

Status keep_last_good(const std::string& state, const std::string& documents) {
  if (documents.size() > kLastGoodBytesMax) {
    return fail(Code::kExhausted,
                fmt::format("last good configuration: {} bytes, at most {} are kept",
                            documents.size(), kLastGoodBytesMax));
  }
  if (Status made = io::ensure_directory(state, kPrivateDirectory); !made) return made;
  std::string newer = documents;
  for (int age = 0; age <= kOlderKept; ++age) {
    const std::string file = last_good_file(state, age);
    auto old = io::read_file(file, kLastGoodBytesMax);
    if (age == 0 && old && *old == documents) return {};
    if (Status written = io::write_file_atomically(file, newer, kPrivate); !written) return written;
    if (!old) break;
    newer = std::move(*old);
  }
  return {};
}

Result<std::string> read_last_good(const std::string& state) {
  return io::read_file(last_good_file(state), kLastGoodBytesMax);
}

}  // namespace headgate::app
