#include "store/disk/index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <unordered_map>

#include "base/prng.h"
#include "store/disk/checkpoint.h"
#include "store/disk/testing/memory_files.h"

namespace headgate::store::disk {
namespace {

Location location_of(Prng& random, std::uint64_t segments = 8) {
  return {Place{1 + random.below(segments), static_cast<std::uint32_t>(1 + random.below(1000))},
          static_cast<std::uint32_t>(1 + random.below(100))};
}

TEST(Location, KeepsItsPartsApart) {
  const Location location(Place{0x12345, 0xfffff}, 1);
  EXPECT_EQ(location.unit(), 0xfffffu);
  EXPECT_EQ(location.units(), 1u);
  EXPECT_EQ(location.segment_id(), 0x2345u);
  EXPECT_EQ(location.hits(), 0u);
  Location hit = location;
  for (int i = 0; i < 5; ++i) hit = hit.hit_once_more();
  EXPECT_EQ(hit.hits(), Location::kHitsMax);
  EXPECT_TRUE(same_record(hit, location));
  EXPECT_TRUE(hit.plausible());
  EXPECT_FALSE(Location(Place{1, 0xfffff}, 2).plausible()) << "it would end behind the segment";
  EXPECT_FALSE(Location(Place{1, 0}, 1).plausible());
  EXPECT_FALSE(Location(std::uint64_t{1} << 63 | 0x100001).plausible());
}

// Few fingerprints, so that they meet; low bits alone differ, so that they cluster and wrap around.
TEST(Index, DoesWhatAMapDoes) {
  Prng random(5);
  for (int round = 0; round < 20; ++round) {
    Index index;
    std::unordered_map<std::uint64_t, Location> model;
    const std::uint64_t base = random.next() | 0x00ff'ff00'0000'0000;
    for (int step = 0; step < 5000; ++step) {
      const std::uint64_t key =
          random.below(4) == 0 ? base + random.below(300) : scramble64(random.below(300)) >> 8;
      const auto known = model.find(key);
      switch (random.below(6)) {
        case 0:
        case 1:
        case 2: {
          const Location location = location_of(random);
          index.put(key, location);
          model[key] = location;
          break;
        }
        case 3: ASSERT_EQ(index.erase(key), model.erase(key) == 1); break;
        case 4: {
          const Location from = location_of(random), to = location_of(random);
          ASSERT_EQ(index.move(key, from, to),
                    known != model.end() && same_record(known->second, from));
          ASSERT_FALSE(index.erase(key, Location(Place{9, 9}, 9)));
          if (known == model.end()) break;
          ASSERT_TRUE(index.move(key, known->second, to));
          known->second = to;
          break;
        }
        default:
          if (random.below(100) > 0) break;
          const auto segment = static_cast<std::uint16_t>(1 + random.below(8));
          ASSERT_EQ(index.erase_segment(segment), std::erase_if(model, [&](const auto& entry) {
                      return entry.second.segment_id() == segment;
                    }));
      }
      ASSERT_EQ(index.size(), model.size());
    }
    std::uint64_t units = 0;
    for (const auto& [key, location] : model) {
      ASSERT_TRUE(index.find(key));
      ASSERT_EQ(index.find(key)->word(), location.word());
      units += location.units();
    }
    EXPECT_EQ(index.units(), units);
  }
}

TEST(Index, TakesAtMostTwentyFourBytesAnObject) {
  Index index;
  Prng random(1);
  for (std::size_t count = 1; count <= 1'000'000; ++count) {
    index.put(random.next(), Location(Place{1, 1}, 1));
    if (count % 100'000 == 0) {
      EXPECT_LE(index.bytes(), count * 24) << count;
    }
  }
}

TEST(Index, TakesAtMostTwentyFourBytesAnObjectAfterARestartToo) {
  MemoryFiles files;
  Index index, loaded;
  Prng random(1);
  for (int i = 0; i < 1'000'000; ++i) index.put(random.next(), Location(Place{1, 1}, 1));
  ASSERT_TRUE(write_checkpoint(files, 42, {1, 2}, index));
  ASSERT_TRUE(load_checkpoint(files, 42, loaded));
  ASSERT_EQ(loaded.size(), index.size());
  EXPECT_LE(loaded.bytes(), loaded.size() * 24);
}

TEST(Index, FindsWhatWasOfUseInASegment) {
  Index index;
  const Location here(Place{3, 10}, 2), there(Place{4, 10}, 2);
  index.put(1, here);
  index.put(2, here);
  index.put(3, there);
  index.hit(1, here);
  index.hit(1, here);
  index.hit(2, there);  // it lies elsewhere
  index.hit(3, there);
  const auto found = index.hits_in_segment(3);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].fingerprint, 1u);
  EXPECT_EQ(found[0].location.hits(), 2u);
  ASSERT_TRUE(index.move(1, here, Location(Place{5, 1}, 2)));
  EXPECT_EQ(index.find(1)->hits(), 0u) << "it has to be of use again";
}

struct CheckpointTest : ::testing::Test {
  MemoryFiles files;
  Index index;
  Prng random{3};
  void fill(int count) {
    for (int i = 0; i < count; ++i) index.put(random.next(), location_of(random));
  }
};

TEST_F(CheckpointTest, GivesTheIndexBack) {
  for (const int count : {0, 1, 4095, 4096, 10'000}) {
    index.clear();
    fill(count);
    ASSERT_TRUE(write_checkpoint(files, 42, {7, 8}, index));
    Index loaded;
    EXPECT_EQ(load_checkpoint(files, 42, loaded).value(), (Place{7, 8}));
    ASSERT_EQ(loaded.size(), index.size());
    for (std::size_t table = 0; table < Index::kTables; ++table)
      for (const IndexEntry& entry : index.table_entries(table))
        ASSERT_EQ(loaded.find(entry.fingerprint)->word(), entry.location.word());
  }
  EXPECT_EQ(files.names().value(), std::vector<std::string>{kCheckpointName});
}

TEST_F(CheckpointTest, IsRefusedWholeWhenAnyOfItIsDamaged) {
  fill(5000);
  ASSERT_TRUE(write_checkpoint(files, 42, {7, 8}, index));
  const std::string bytes = files.bytes_of(kCheckpointName);
  const auto refuses = [&](const std::string& damaged) {
    files.set(kCheckpointName, damaged);
    Index loaded;
    const auto place = load_checkpoint(files, 42, loaded);
    return !place && place.error().code == Code::kInvalid && loaded.size() == 0;
  };
  for (std::size_t byte = 0; byte < bytes.size(); byte += byte < 200 ? 1 : 997) {
    std::string damaged = bytes;
    damaged[byte] ^= 1;
    EXPECT_TRUE(refuses(damaged)) << byte;
  }
  for (const std::size_t length :
       {std::size_t{0}, std::size_t{63}, std::size_t{64}, bytes.size() - 1})
    EXPECT_TRUE(refuses(bytes.substr(0, length))) << length;
  EXPECT_TRUE(refuses(bytes + "x"));
  files.set(kCheckpointName, bytes);
  Index loaded;
  EXPECT_EQ(load_checkpoint(files, 43, loaded).error().code, Code::kInvalid) << "another directory";
}

TEST_F(CheckpointTest, BlocksOfTwoCheckpointsAreNotMixed) {
  fill(5000);
  ASSERT_TRUE(write_checkpoint(files, 42, {7, 8}, index));
  const std::string first = files.bytes_of(kCheckpointName);
  ASSERT_TRUE(write_checkpoint(files, 42, {7, 8}, index));
  std::string mixed = files.bytes_of(kCheckpointName);
  mixed.replace(64, 4096, first, 64, 4096);
  mixed.replace(64 + 65536, 4, first, 64 + 65536, 4);
  files.set(kCheckpointName, mixed);
  Index loaded;
  EXPECT_FALSE(load_checkpoint(files, 42, loaded));
}

}  // namespace
}  // namespace headgate::store::disk
