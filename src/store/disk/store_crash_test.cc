// A process that writes is killed at any moment, again and again: what it was told to be done is
// there afterwards, and no byte is wrong.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>

#include "io/entropy.h"
#include "io/test_directory.h"
#include "store/disk/testing/killed_child.h"

namespace headgate::store::disk {
namespace {

constexpr std::uint64_t kNumbers = 64;

// Shared by the one who writes and the one who checks. An even version is a removal.
struct Progress {
  struct Versions {
    std::atomic<std::uint64_t> tried, done;
  };
  std::array<Versions, kNumbers> of;
  std::atomic<std::uint64_t> steps;
};

[[noreturn]] void write_for_ever(const Options& options, Progress& progress, std::uint64_t seed) {
  auto store = Store::open(options);
  if (!store) ::_exit(1);
  Prng random(seed);
  while (true) {
    const std::uint64_t number = random.below(kNumbers);
    auto& versions = progress.of[number];
    std::uint64_t version = versions.tried + 1;
    if (version % 2 == 0 && random.below(4) != 0) ++version;
    versions.tried = version;
    const std::size_t bytes = random.below(4) == 0 ? random.below(300'000) : random.below(5000);
    const Put put_done = version % 2 == 0
                             ? remove(**store, number)
                             : put(**store, object_of(number, body_of(number, version, bytes)));
    if (!put_done.done()) ::_exit(2);
    versions.done = version;
    ++progress.steps;
  }
}

void check(const Options& options, Progress& progress, bool everything_fits) {
  auto store = Store::open(options);
  ASSERT_TRUE(store) << store.error().message;
  for (std::uint64_t number = 0; number < kNumbers; ++number) {
    const std::uint64_t done = progress.of[number].done, tried = progress.of[number].tried;
    const auto body = whole_body(**store, number);
    if (!body) {
      const bool gone = done % 2 == 0 || tried > done || !everything_fits;
      ASSERT_TRUE(gone) << number << " was stored and is lost";
      continue;
    }
    const auto version = version_of(number, *body);
    ASSERT_TRUE(version) << "wrong bytes for " << number;
    ASSERT_GE(*version, done) << number;
    ASSERT_LE(*version, tried) << number;
  }
}

void kill_and_check(bool everything_fits, int rounds) {
  const io::TestDirectory directory;
  Options options;
  options.directory = directory / "cache";
  options.segment_bytes = 1 << 20;
  options.total_bytes = everything_fits ? std::uint64_t{4} << 30 : 5 << 20;
  options.readers = 1;
  options.sync_interval = 20ms;
  options.checkpoint_interval = 7ms;
  SharedWithChildren<Progress> shared;
  Progress& progress = *shared;
  Prng random(io::random_u64());
  for (int round = 0; round < rounds && !::testing::Test::HasFatalFailure(); ++round) {
    const std::uint64_t seed = random.next();
    ASSERT_NO_FATAL_FAILURE(kill_after(progress.steps, 1 + random.below(300),
                                       [&] { write_for_ever(options, progress, seed); }));
    check(options, progress, everything_fits);
  }
}

TEST(StoreCrash, WhatWasDoneIsThereAfterAKill) { kill_and_check(true, 15); }
TEST(StoreCrash, NothingIsWrongAfterAKillWhileSegmentsAreReclaimed) { kill_and_check(false, 15); }

}  // namespace
}  // namespace headgate::store::disk
