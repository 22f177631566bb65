#include "roles/proxy/cache/purge_record.h"

#include <gtest/gtest.h>

#include "base/prng.h"

namespace headgate::proxy {
namespace {

PurgeRecord beginning() { return {.kind = PurgeRecord::Kind::kBeginning, .number = 6}; }

PurgeRecord order(std::uint64_t id) {
  PurgeRecord out{.kind = PurgeRecord::Kind::kOrder, .scope = PurgeScope::kTag};
  out.flag = id % 2 == 1;
  out.number = id;
  out.at = {id * 10, id * 10 + 1};
  out.time = {-5};
  out.until = {7};
  out.labels = {id, ~id};
  out.name_space = "shop";
  out.value = std::string("a\0b", 3);
  return out;
}

std::string journal(std::uint64_t orders) {
  std::string out(kPurgeJournalName);
  append_record(out, beginning());
  for (std::uint64_t id = 1; id <= orders; ++id) append_record(out, order(id));
  return out;
}

TEST(PurgeRecord, WhatIsWrittenIsRead) {
  const auto read = read_journal(journal(2));
  EXPECT_TRUE(read.is_whole);
  EXPECT_EQ(read.records, (std::vector<PurgeRecord>{beginning(), order(1), order(2)}));
}

TEST(PurgeRecord, ATornEndIsDroppedAtEveryByte) {
  const std::string whole = journal(3);
  const std::size_t two = journal(2).size();
  for (std::size_t size = two; size < whole.size(); ++size) {
    const auto read = read_journal(std::string_view(whole).substr(0, size));
    ASSERT_TRUE(read.is_whole) << size;
    ASSERT_EQ(read.records.size(), 3U) << size;
    const auto zeros = read_journal(journal(2) + std::string(size - two, '\0'));
    ASSERT_TRUE(zeros.is_whole && zeros.records.size() == 3) << "space that was never written";
  }
}

TEST(PurgeRecord, DamageThatIsNoTornEndIsTold) {
  const std::string whole = journal(5);
  Prng prng(3);
  for (std::size_t at = 0; at < journal(4).size(); ++at) {
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 1 << prng.below(8));
    const auto read = read_journal(bad);
    ASSERT_FALSE(read.is_whole) << "byte " << at << ": a sound record lies behind it";
  }
  std::string end = whole;
  end.back() ^= 1;
  EXPECT_FALSE(read_journal(end).is_whole) << "it was written to its end";
}

TEST(PurgeRecord, AFileThatDoesNotBeginAsOneIsNoJournal) {
  EXPECT_FALSE(read_journal("").is_whole);
  EXPECT_FALSE(read_journal(kPurgeJournalName).is_whole);
  std::string without(kPurgeJournalName);
  append_record(without, order(1));
  EXPECT_FALSE(read_journal(without).is_whole);
}

}  // namespace
}  // namespace headgate::proxy
