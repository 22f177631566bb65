// Files and directories -> objects: what is found, and what a LoadCache spares.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "config/config.h"

namespace headgate::config {
namespace {

namespace fs = std::filesystem;

std::string name_space(std::string_view name) {
  return "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + std::string(name) + "}\n";
}

class Directory : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "load-XXXXXX";
    ASSERT_TRUE(mkdtemp(pattern.data()));
    top = fs::path(pattern);
    root = top / "config";
    fs::create_directory(root);
  }
  void TearDown() override { fs::remove_all(top); }

  void write(const fs::path& path, std::string_view text) const {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path, std::ios::binary) << text;
  }
  // Names and problems of a load of the root; paths are told from the root on.
  std::string loaded(const Loaded& from) const {
    std::string out;
    for (const auto& object : from.objects) out += object->name + "\n";
    for (const Problem& problem : from.problems.all()) {
      std::string line = to_string(problem);
      const std::size_t at = line.find(root.native());
      if (at != std::string::npos) line.erase(at, root.native().size());
      out += line + "\n";
    }
    return out;
  }
  std::string loaded() const { return loaded(load({root.native()})); }

  fs::path top, root;
};

TEST_F(Directory, EveryYamlFileBelowIsReadInTheOrderOfItsPath) {
  write("b.yaml", name_space("b"));
  write("a/z.yml", name_space("z"));
  write("a.yaml", name_space("a"));
  write("a/deep/er/y.yaml", name_space("y"));
  EXPECT_EQ(loaded(), "y\nz\na\nb\n");
}

TEST_F(Directory, HiddenOnesAndOtherEndingsAreLeftOut) {
  write("a.yaml", name_space("a"));
  write(".hidden.yaml", name_space("hidden"));
  write(".git/config.yaml", name_space("git"));
  write("a.yaml.bak", name_space("backup"));
  write("notes.txt", "not yaml: [");
  EXPECT_EQ(loaded(), "a\n");
}

TEST_F(Directory, ALinkOutOfTheTreeIsLeftOutWithAWarning) {
  write("a.yaml", name_space("a"));
  std::ofstream(top / "outside.yaml") << name_space("outside");
  fs::create_symlink(top / "outside.yaml", root / "link.yaml");
  fs::create_directory(top / "elsewhere");
  std::ofstream(top / "elsewhere" / "b.yaml") << name_space("b");
  fs::create_directory_symlink(top / "elsewhere", root / "tree");
  EXPECT_EQ(loaded(), "a\n/link.yaml: warning: left out: a link that leads out of the directory\n");
}

// "config" is the beginning of "config-other", and yet not the same directory.
TEST_F(Directory, ALinkToADirectoryOfASimilarNameLeadsOut) {
  write("a.yaml", name_space("a"));
  fs::create_directory(top / "config-other");
  std::ofstream(top / "config-other" / "b.yaml") << name_space("b");
  fs::create_symlink(top / "config-other" / "b.yaml", root / "b.yaml");
  EXPECT_EQ(loaded(), "a\n/b.yaml: warning: left out: a link that leads out of the directory\n");
}

TEST_F(Directory, AVolumeOfKubernetesIsReadOnce) {
  write("..2026_01/shop.yaml", name_space("shop"));
  fs::create_directory_symlink("..2026_01", root / "..data");
  fs::create_symlink("..data/shop.yaml", root / "shop.yaml");
  EXPECT_EQ(loaded(), "shop\n");
}

TEST_F(Directory, ALoopOfLinksIsLeftAlone) {
  write("a.yaml", name_space("a"));
  fs::create_directory_symlink("..", root / "up");
  fs::create_directory_symlink(".", root / "here");
  fs::create_symlink("self.yaml", root / "self.yaml");
  EXPECT_EQ(loaded(), "a\n/self.yaml: warning: left out: a link that leads out of the directory\n");
}

TEST_F(Directory, WithoutFilesItIsAProblem) {
  EXPECT_EQ(loaded(), ": expected .yaml or .yml files below this directory, found none\n");
  EXPECT_EQ(loaded(load({(root / "missing").native()})), "/missing: no such file or directory\n");
}

TEST_F(Directory, TooDeepIsAProblem) {
  fs::path deep;
  for (int i = 0; i < 33; ++i) deep /= "d";
  write(deep / "a.yaml", name_space("a"));
  EXPECT_NE(loaded().find("expected at most 32 levels of directories"), std::string::npos);
}

TEST_F(Directory, AFileThatIsNamedIsReadWhateverItIsCalled) {
  write(".hidden", name_space("a"));
  EXPECT_EQ(loaded(load({(root / ".hidden").native()})), "a\n");
}

struct Lot {
  static std::string text(int documents, int changed = -1) {
    std::string out;
    for (int i = 0; i < documents; ++i)
      out += "---\n" + name_space("n" + std::to_string(i == changed ? i + 1000 : i));
    return out;
  }
};

TEST(LoadCache, AChangeOfOneDocumentParsesOneDocument) {
  LoadCache cache;
  EXPECT_EQ(load_text(Lot::text(100), "f", cache).documents_parsed, 100U);
  EXPECT_EQ(load_text(Lot::text(100), "f", cache).documents_parsed, 0U);
  const Loaded changed = load_text(Lot::text(100, 40), "f", cache);
  EXPECT_EQ(changed.documents_parsed, 1U);
  ASSERT_EQ(changed.objects.size(), 100U);
  EXPECT_EQ(changed.objects[40]->name, "n1040");
  EXPECT_EQ(cache.documents(), 100U);  // what is no longer there is forgotten
}

TEST(LoadCache, ADocumentThatMovedTellsItsNewPlace) {
  const std::string late = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: late}\n";
  LoadCache cache;
  const Loaded before = load_text(late, "f", cache);
  const Loaded after = load_text("# a comment\n" + late, "g", cache);
  EXPECT_EQ(after.documents_parsed, 1U);  // the comment
  const auto place = [](const Loaded& loaded) {
    Problems problems;
    const Report report = loaded.objects.at(0)->report_to(problems);
    Place(Place(report), "metadata").error("here");
    return to_string(problems.all()[0]);
  };
  EXPECT_EQ(place(before), "f:4: Namespace late: metadata: here");
  EXPECT_EQ(place(after), "g:5: Namespace late: metadata: here");
  EXPECT_EQ(after.objects[0]->line, before.objects[0]->line + 1);
  EXPECT_EQ(after.objects[0]->value, before.objects[0]->value);  // the same JSON, not a copy
}

TEST(LoadCache, ABrokenDocumentTellsItsProblemsAtEveryLoad) {
  LoadCache cache;
  const std::string text = name_space("good") + "---\n" + name_space("Bad") + "---\na: [\n";
  const Loaded first = load_text(text, "f", cache), second = load_text(text, "f", cache);
  EXPECT_EQ(first.problems.errors(), 2U);
  EXPECT_EQ(second.problems.errors(), 2U);
  EXPECT_EQ(second.documents_parsed, 2U);
}

TEST(LoadCache, TheSameDocumentInTwoFilesIsStillADuplicate) {
  LoadCache cache;
  const std::string text = "---\n" + name_space("a") + "---\n" + name_space("a");
  for (int i = 0; i < 2; ++i) {
    const Loaded loaded = load_text(text, "f", cache);
    ASSERT_EQ(loaded.problems.all().size(), 1U);
    EXPECT_EQ(to_string(loaded.problems.all()[0]),
              "f:6: Namespace a: expected one object of this kind and name; it also stands in f:2");
  }
}

// Whatever is edited, a load with a cache tells what a load without one tells.
TEST(LoadCache, GivesTheSameAsALoadWithoutOne) {
  std::uint64_t state = 7;
  const auto pick = [&](std::uint64_t below) { return (state = scramble64(state + 1)) % below; };
  const std::string pieces[] = {"---\n" + name_space("a"),
                                "---\n" + name_space("b"),
                                "---\n" + name_space("Wrong"),
                                "---\na: [\n",
                                "# text\n",
                                "\n",
                                "--- # x\n" + name_space("c") + "---\n"};
  LoadCache cache;
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (std::uint64_t i = pick(8); i > 0; --i) text += pieces[pick(std::size(pieces))];
    const Loaded with = load_text(text, "f", cache), without = load_text(text, "f");
    const auto tell = [](const Loaded& loaded) {
      std::string out;
      for (const auto& object : loaded.objects)
        out += object->label + ":" + std::to_string(object->line) + "\n";
      for (const Problem& problem : loaded.problems.all()) out += to_string(problem) + "\n";
      return out;
    };
    ASSERT_EQ(tell(with), tell(without)) << text;
  }
}

}  // namespace
}  // namespace headgate::config
