// The store against a map, with restarts, crashes and damage at random.
#include <gtest/gtest.h>

#include <map>

#include "store/disk/checkpoint.h"
#include "store/disk/testing/memory_files.h"
#include "store/disk/testing/waiting_store.h"

namespace headgate::store::disk {
namespace {

// Forwards, since a store owns its files and these outlive it.
class SharedFiles final : public Files {
 public:
  explicit SharedFiles(Files& files) : files_(files) {}
  Result<std::unique_ptr<File>> create(const std::string& name) override {
    return files_.create(name);
  }
  Result<std::unique_ptr<File>> open(const std::string& name) override { return files_.open(name); }
  Status rename(const std::string& from, const std::string& to) override {
    return files_.rename(from, to);
  }
  Status remove(const std::string& name) override { return files_.remove(name); }
  Status sync_names() override { return files_.sync_names(); }
  Result<std::vector<std::string>> names() override { return files_.names(); }

 private:
  Files& files_;
};

struct Manner {
  const char* name;
  bool reclaims;  // the directory is smaller than what is stored
  bool damages;
};

class Model {
 public:
  Model(Manner manner, std::uint64_t seed) : manner_(manner), random_(seed) {
    options_.segment_bytes = 1 << 18;
    options_.total_bytes = manner.reclaims ? 5 << 18 : 1 << 28;
    options_.readers = 2;
    options_.sync_interval = 3ms;
    options_.checkpoint_interval = 5ms;
    restart();
  }

  void step() {
    const std::uint64_t number = random_.below(40);
    const std::uint64_t dice = random_.below(100);
    if (dice < 45) {
      put_one(number);
    } else if (dice < 55) {
      ASSERT_TRUE(remove(*store_, number).done());
      present_[number] = false;
    } else if (dice < 97) {
      check(number);
    } else {
      if (manner_.damages && random_.below(2) == 0) damage();
      dice == 97 ? restart() : crash();
      for (std::uint64_t each = 0; each < 40; ++each) check(each);
    }
  }

 private:
  void put_one(std::uint64_t number) {
    const std::uint64_t version = ++versions_[number];
    const std::size_t bytes = random_.below(5) == 0 ? random_.below(200'000) : random_.below(3000);
    ASSERT_TRUE(put(*store_, object_of(number, body_of(number, version, bytes))).done());
    present_[number] = true;
  }
  void check(std::uint64_t number) {
    const auto body = whole_body(*store_, number);
    if (!body) {
      ASSERT_TRUE(!present_[number] || manner_.reclaims || manner_.damages) << number;
      return;
    }
    const auto version = version_of(number, *body);
    ASSERT_TRUE(version) << "wrong bytes for " << number;
    if (damaged_) {
      ASSERT_LE(*version, versions_[number]);
    } else {
      ASSERT_TRUE(present_[number]) << number;
      ASSERT_EQ(*version, versions_[number]);
    }
  }
  void restart() {
    store_.reset();
    auto opened = Store::open(options_, std::make_unique<SharedFiles>(*files_));
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  // What lies in the files now, without what a clean end would do.
  void crash() {
    auto left = std::make_unique<MemoryFiles>();
    const auto names = files_->names().value();
    for (const std::string& name : names) left->set(name, files_->bytes_of(name));
    store_.reset();
    files_ = std::move(left);
    if (random_.below(3) == 0) {
      ASSERT_TRUE(files_->remove(kCheckpointName));
    }
    restart();
  }
  void damage() {
    damaged_ = true;
    const auto names = files_->names().value();
    for (const std::string& name : names) {
      if (name == kFormatName || random_.below(2) == 0) continue;
      std::string bytes = files_->bytes_of(name);
      switch (random_.below(5)) {
        case 0: bytes.resize(random_.below(bytes.size() + 1)); break;
        case 1: ASSERT_TRUE(files_->remove(name)); continue;
        case 2:
          if (bytes.size() > 1000)
            bytes.replace(random_.below(bytes.size() - 1000), 1000, 1000, '\0');
          break;
        default:
          for (int i = 0; i < 20 && !bytes.empty(); ++i)
            bytes[random_.below(bytes.size())] ^= static_cast<char>(1 << random_.below(8));
      }
      files_->set(name, bytes);
    }
  }

  const Manner manner_;
  Prng random_;
  Options options_;
  std::unique_ptr<MemoryFiles> files_ = std::make_unique<MemoryFiles>();
  std::unique_ptr<Store> store_;
  std::map<std::uint64_t, std::uint64_t> versions_;
  std::map<std::uint64_t, bool> present_;
  bool damaged_ = false;
};

struct StoreModel : ::testing::TestWithParam<Manner> {};
INSTANTIATE_TEST_SUITE_P(Manners, StoreModel,
                         ::testing::Values(Manner{"keeps", false, false},
                                           Manner{"reclaims", true, false},
                                           Manner{"damaged", true, true}),
                         [](const auto& manner) { return manner.param.name; });

TEST_P(StoreModel, HoldsWhatAMapHoldsOrNothing) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Model model(GetParam(), seed);
    for (int step = 0; step < 500; ++step) {
      model.step();
      if (HasFatalFailure()) FAIL() << "seed " << seed << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace headgate::store::disk
