#include "base/append.h"

#include <gtest/gtest.h>

#include "base/ascii.h"
#include "base/prng.h"

namespace headgate {
namespace {

TEST(AppendAll, PutsThePiecesBehindWhatIsThere) {
  std::string out = "a";
  append_all(out, {"", "bc", {}, "d"});
  EXPECT_EQ(out, "abcd");
  append_all(out, {});
  EXPECT_EQ(out, "abcd");
}

TEST(AppendDecimal, AgreesWithTheStandardLibraryForAllLengths) {
  Prng prng(5);
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t value = i == 0 ? 0 : i == 1 ? UINT64_MAX : prng.next() >> prng.below(64);
    std::string out = "x";
    append_decimal(out, value);
    EXPECT_EQ(out, "x" + std::to_string(value));
    EXPECT_EQ(decimal_digits(value), out.size() - 1);
  }
}

TEST(AppendDecimal, AllocatesNothingWhileThereIsRoom) {
  std::string out;
  const char* const room = out.data();
  const std::size_t bytes = out.capacity();
  while (out.size() < bytes) append_decimal(out, 7);
  EXPECT_EQ(out.data(), room);
}

}  // namespace
}  // namespace headgate
