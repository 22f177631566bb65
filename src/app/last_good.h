#pragma once
// The last configuration that served well, kept in the state directory for the day when a data
// plane has to start again and the files are broken (law 5). Written after a configuration has
// settled and stood for a moment; two older ones are kept. Holds Secrets: 0600. Blocking; one
// thread at a time.
#include <string>

#include "base/result.h"
#include "config/object.h"

namespace headgate::app {

inline constexpr int kOlderKept = 2;
inline constexpr std::size_t kLastGoodBytesMax = 256U << 20;

std::string last_good_file(const std::string& state, int age = 0);
// YAML of one JSON document for each object; what config::load_text reads back.
std::string to_documents(const config::Objects& objects);
// Nothing is written when the same is there already.
Status keep_last_good(const std::string& state, const std::string& documents);
Result<std::string> read_last_good(const std::string& state);

}  // namespace headgate::app
