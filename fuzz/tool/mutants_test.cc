#include "fuzz/tool/mutants.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/fake_target.h"
#include "fuzz/tool/line_diff.h"
#include "fuzz/tool/mutant_check.h"
#include "fuzz/tool/process.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

const std::string kFence = R"(#include "core/dma/fence.h"

#include <cerrno>

#include "core/kernel/atomic.h"
#include "core/kernel/report.h"

namespace dma {

// Something of everything.
int add(Fence& fence, Cb& cb) {
  if (fence.signaled) return -1;
  unsigned long flags;
  spin_lock_irqsave(fence.lock, flags);
  kref_get(fence.refcount);
  cb.func = &fence;
  cb.next = nullptr;
  list_add_tail(cb.node, fence.list);
  spin_unlock_irqrestore(fence.lock, flags);
  return 0;
}

void fini(Fence& fence) { kref_put(fence.refcount); }

}  // namespace dma
)";

std::vector<std::string> names_of(const std::vector<CoreMutant>& mutants) {
  std::vector<std::string> names;
  for (const CoreMutant& mutant : mutants) names.push_back(mutant.name);
  return names;
}

// --- the diff ---

TEST(LineDiff, HunksWithThreeLinesOfContext) {
  EXPECT_EQ(unified_diff("f", "a\n", "a\n"), "");
  EXPECT_EQ(unified_diff("f", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n"),
            "--- a/f\n+++ b/f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n");
  EXPECT_EQ(unified_diff("f", "", "x\n"), "--- a/f\n+++ b/f\n@@ -0,0 +1 @@\n+x\n");
  EXPECT_EQ(unified_diff("f", "x", "y"),
            "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+y\n"
            "\\ No newline at end of file\n");
}

TEST(LineDiff, FarChangesHaveHunksOfTheirOwn) {
  std::string before;
  for (int i = 0; i < 30; i++) before += std::to_string(i) + "\n";
  auto with = [&](std::set<int> changed) {
    std::string after;
    for (int i = 0; i < 30; i++)
      after += (changed.contains(i) ? "x" : "") + std::to_string(i) + "\n";
    const std::string diff = unified_diff("f", before, after);
    size_t hunks = 0;
    for (const std::string& line : split(diff, '\n')) hunks += line.starts_with("@@") ? 1 : 0;
    return hunks;
  };
  EXPECT_EQ(with({5, 12}), 1u);
  EXPECT_EQ(with({5, 13}), 2u);
  EXPECT_EQ(with({0, 15, 29}), 3u);
}

// --- names, headers ---

TEST(Mutants, NamesAreStableAndSayWhere) {
  const std::vector<CoreMutant> mutants = mutants_of("core/dma/fence_x.cc", kFence);
  const std::vector<std::string> names = names_of(mutants);
  EXPECT_EQ(names, names_of(mutants_of("core/dma/fence_x.cc", kFence)));
  for (const char* name : {"mutant-skip-check-12-dma-fence-x", "mutant-negate-check-12-dma-fence-x",
                           "mutant-plain-lock-14-dma-fence-x", "mutant-drop-lock-14-dma-fence-x",
                           "mutant-drop-get-15-dma-fence-x", "mutant-drop-init-17-dma-fence-x",
                           "mutant-unlock-early-19-dma-fence-x", "mutant-drop-put-23-dma-fence-x",
                           "mutant-double-put-23-dma-fence-x"})
    EXPECT_TRUE(std::find(names.begin(), names.end(), name) != names.end()) << name;
  const std::set<std::string> different(names.begin(), names.end());
  EXPECT_EQ(different.size(), names.size());
  for (const std::string& name : names)
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), std::string::npos);
}

TEST(Mutants, OnOneLineTheyAreNumbered) {
  const std::vector<std::string> names =
      names_of(mutants_of("core/drm/x.cc", "void f() { a_put(x); b_put(x); }\n"));
  EXPECT_EQ(std::count(names.begin(), names.end(), "mutant-drop-put-1-drm-x"), 1);
  EXPECT_EQ(std::count(names.begin(), names.end(), "mutant-drop-put-1-drm-x-2"), 1);
}

TEST(Mutants, ThePatchOfOne) {
  for (const CoreMutant& mutant : mutants_of("core/dma/fence_x.cc", kFence)) {
    if (mutant.name != "mutant-drop-get-15-dma-fence-x") continue;
    EXPECT_EQ(mutant.patch(),
              "name: mutant-drop-get-15-dma-fence-x\n"
              "catalogue: mutant\n"
              "upstream: none\n"
              "versions: none\n"
              "class: use-after-free\n"
              "detectors: any\n"
              "trigger: in add (core/dma/fence_x.cc:15): `kref_get(fence.refcount);` is dropped\n"
              "\n"
              "--- a/core/dma/fence_x.cc\n"
              "+++ b/core/dma/fence_x.cc\n"
              "@@ -3,6 +3,7 @@\n"
              " #include <cerrno>\n"
              " \n"
              " #include \"core/kernel/atomic.h\"\n"
              "+#include \"core/kernel/canary.h\"\n"
              " #include \"core/kernel/report.h\"\n"
              " \n"
              " namespace dma {\n"
              "@@ -12,7 +13,7 @@\n"
              "   if (fence.signaled) return -1;\n"
              "   unsigned long flags;\n"
              "   spin_lock_irqsave(fence.lock, flags);\n"
              "-  kref_get(fence.refcount);\n"
              "+  CANARY(true);\n"
              "   cb.func = &fence;\n"
              "   cb.next = nullptr;\n"
              "   list_add_tail(cb.node, fence.list);\n");
    EXPECT_EQ(mutant.unmarked().find("CANARY("), std::string::npos);
    return;
  }
  FAIL() << "no such mutant";
}

TEST(Mutants, HeadersNeverLookLikeADiff) {
  for (const CoreMutant& mutant :
       mutants_of("core/dma/x.cc", "void f() {\n  very_long_name_of_a_function_that_puts_put(" +
                                       std::string(60, 'x') + ",\n" + std::string(20, ' ') +
                                       "--y +++ z);\n}\n")) {
    const std::string patch = mutant.patch();
    const std::string header = patch.substr(0, patch.find("\n\n"));
    for (const std::string& line : split(header, '\n')) {
      EXPECT_LE(line.size(), 120u);
      EXPECT_TRUE(line.starts_with("  ") || line.find(": ") != std::string::npos) << line;
    }
  }
}

// patch(1) must take each of them without any fuzz, and make exactly the mutant of it.
void expect_applies(const CoreMutant& mutant, const fs::path& folder) {
  fs::create_directories((folder / mutant.file).parent_path());
  write_file(folder / mutant.file, mutant.before);
  write_file(folder / "x.patch", mutant.patch());
  Command command;
  command.argv = {"patch",          "--strip=1", "--fuzz=0", "--force", "--no-backup-if-mismatch",
                  "--input=x.patch"};
  command.cwd = folder;
  const Finished finished = run_and_capture(command);
  EXPECT_TRUE(finished.exit.clean()) << mutant.name << "\n" << finished.output;
  EXPECT_EQ(finished.output.find("offset"), std::string::npos) << finished.output;
  EXPECT_EQ(read_file(folder / mutant.file), mutant.after) << mutant.name;
}

TEST(Mutants, PatchTakesEachWithoutFuzz) {
  const ScratchFolder scratch(fs::temp_directory_path());
  for (const CoreMutant& mutant : mutants_of("core/dma/fence_x.cc", kFence))
    expect_applies(mutant, scratch.path());
}

TEST(Mutants, OfTheCoreAsItIs) {
  const ScratchFolder scratch(fs::temp_directory_path());
  const fs::path root = Project::find().root();
  const std::vector<CoreMutant> mutants = all_mutants(root);
  EXPECT_GE(mutants.size(), 1000u);
  const std::vector<std::string> names = names_of(mutants);
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  std::set<std::string_view> used;
  for (const CoreMutant& mutant : mutants) {
    used.insert(mutant.by->name);
    EXPECT_NE(mutant.after.find("CANARY(true);"), std::string::npos) << mutant.name;
    EXPECT_NE(mutant.after.find("#include \"core/kernel/canary.h\""), std::string::npos);
    EXPECT_FALSE(mutant.file.ends_with("_test.cc"));
  }
  EXPECT_EQ(used.size(), mutant_operators().size());
  for (size_t i = 0; i < mutants.size(); i += mutants.size() / 25)
    expect_applies(mutants[i], scratch.path());
}

// --- the choice ---

TEST(Mutants, SpreadTakesEachOperatorInTurn) {
  std::vector<CoreMutant> mutants = mutants_of("core/dma/fence_x.cc", kFence);
  for (CoreMutant& mutant : mutants_of("core/drm/y.cc", kFence))
    mutants.push_back(std::move(mutant));
  const std::vector<size_t> order = spread(mutants, 7);
  EXPECT_EQ(order, spread(mutants, 7));
  EXPECT_NE(order, spread(mutants, 8));
  std::vector<size_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < sorted.size(); i++) EXPECT_EQ(sorted[i], i);
  std::set<std::string_view> all;
  for (const CoreMutant& mutant : mutants) all.insert(mutant.by->name);
  std::set<std::string_view> first;
  for (size_t i = 0; i < all.size(); i++) first.insert(mutants[order[i]].by->name);
  EXPECT_EQ(first, all);
}

TEST(Mutants, OnlySourcesOfTheDriver) {
  const FakeCheckout checkout;
  const fs::path& root = checkout.root();
  EXPECT_TRUE(mutated_files(root).empty());
  for (const char* file :
       {"core/dma/a.cc", "core/dma/a_test.cc", "core/dma/a.h", "core/kernel/b.cc",
        "core/userq/c.cc", "core/userq/gpu.cc", "core/drm/d e.cc", "core/drm/\x1b[2J.cc",
        "core/drm/f\n--- a.cc", "core/drm/\xff.cc"}) {
    fs::create_directories((root / file).parent_path());
    write_file(root / file, kFence);
  }
  fs::create_directories(root / "core/dma/folder.cc");
  EXPECT_EQ(mutated_files(root), (std::vector<std::string>{"core/dma/a.cc", "core/userq/c.cc"}));
}

// --- the compiler's opinion ---

class MutantCheckTest : public testing::Test {
 protected:
  void source(const std::string& text) {
    fs::create_directories(root() / "core/dma");
    write_file(root() / "core/dma/x.cc", text);
    fs::create_directories(root() / "core/kernel");
    write_file(root() / "core/kernel/canary.h",
               "#pragma once\n#define CANARY(x) canary(x)\nvoid canary(bool);\n");
    write_file(root() / "core/kernel/a.h",
               "#pragma once\nvoid a_put(int);\nextern int g;\nextern volatile int v;\n");
    fs::create_directories(root() / "build/release");
    const std::string file = (root() / "core/dma/x.cc").string();
    const nlohmann::json database = {
        {{"directory", root().string()},
         {"file", file},
         {"command", std::string(FENCEBENCH_CXX) + " -I" + root().string() +
                         " -DTEXT=\\\"a\\ b\\\" -g -O2 -Wall -Werror=unused-function "
                         "-fsanitize=address -o x.o -c " +
                         file}}};
    write_file(root() / "build/release/compile_commands.json", database.dump());
    write_file(root() / "CMakePresets.json", "{}");
  }
  const fs::path& root() const { return checkout_.root(); }

  std::map<std::string, MutantVerdict::Kind> check() {
    const std::vector<CoreMutant> mutants = all_mutants(root());
    std::vector<size_t> order(mutants.size());
    for (size_t i = 0; i < order.size(); i++) order[i] = i;
    Progress progress;
    MutantCheck check(checkout_.project(), 2, progress);
    std::map<std::string, MutantVerdict::Kind> kinds;
    for (const auto& [number, verdict] : check.run(mutants, order, order.size()))
      kinds[mutants[number].name] = verdict.kind;
    return kinds;
  }

  Finished run(std::vector<std::string> arguments) {
    Command command;
    command.argv = {FENCEBENCH_COMMAND, "mutants"};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.env["FENCEBENCH_ROOT"] = root().string();
    return run_and_capture(command);
  }

  FakeCheckout checkout_;
};

constexpr char kSmall[] = R"(#include "core/kernel/a.h"

void f(int x) {
  const char* text = TEXT;
  v = text[0];
  a_put(x);
  if (x < 3) a_put(1);
  if (x <= 2) a_put(1);
  g = 0;
  g = 0;
}
static void only_here_put() { v = 1, v = 2; }
void h() { only_here_put(); }
static int only_here_get(int x) { return x; }
void i() { if (only_here_get(v) == 1) a_put(1); }
)";

TEST_F(MutantCheckTest, LeavesOutWhatDoesNotCompileAndWhatChangesNothing) {
  source(kSmall);
  const auto kinds = check();
  using Kind = MutantVerdict::Kind;
  EXPECT_EQ(kinds.at("mutant-drop-put-6-dma-x"), Kind::kGood);
  EXPECT_EQ(kinds.at("mutant-off-by-one-7-dma-x"), Kind::kGood);
  // An unused function would not compile.
  EXPECT_EQ(kinds.at("mutant-drop-put-13-dma-x"), Kind::kGood);
  EXPECT_EQ(kinds.at("mutant-skip-check-15-dma-x"), Kind::kDoesNotCompile);
  // The other of the two stores is enough.
  EXPECT_EQ(kinds.at("mutant-drop-init-9-dma-x"), Kind::kEquivalent);
}

TEST_F(MutantCheckTest, TheVerbWritesThemAndSaysHowMany) {
  source(kSmall);
  const fs::path out = root() / "a folder; with 'quotes' \xe2\x80\xae";
  const Finished first = run({out.string()});
  EXPECT_TRUE(first.exit.clean()) << first.output;
  EXPECT_EQ(first.output.find("\xe2\x80\xae"), std::string::npos);
  const std::vector<std::string> files = files_in(out);
  EXPECT_TRUE(std::find(files.begin(), files.end(), "mutant-drop-put-6-dma-x.patch") !=
              files.end());
  EXPECT_TRUE(std::find(files.begin(), files.end(), "mutant-drop-init-9-dma-x.patch") ==
              files.end());
  EXPECT_EQ(run({out.string()}).exit.code, kWrongUsage);  // nothing is written over

  // The same again elsewhere, with one compiler.
  const Finished second = run({(root() / "second").string(), "--jobs", "1", "--json"});
  EXPECT_TRUE(second.exit.clean()) << second.output;
  const auto json = nlohmann::json::parse(second.output);
  EXPECT_EQ(json["mutants"].size(), files.size());
  for (const std::string& file : files)
    EXPECT_EQ(read_file(out / file), read_file(root() / "second" / file));

  const auto limited = nlohmann::json::parse(run({"--list", "--limit", "3", "--json"}).output);
  EXPECT_EQ(limited["mutants"].size(), 3u);
  const auto chosen =
      nlohmann::json::parse(run({"--list", "--operators", "drop-put", "--json"}).output);
  for (const auto& mutant : chosen["mutants"]) EXPECT_EQ(mutant["operator"], "drop-put");
}

TEST_F(MutantCheckTest, WrongUsage) {
  source(kSmall);
  const std::string nasty = "\x1b[2J\xff\n\xe2\x80\xae";
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{},
                                             {""},
                                             {"x", "--list"},
                                             {"--list", "--operators", nasty},
                                             {"--list", "--operators", "drop-pt"},
                                             {"--list", "--files", nasty},
                                             {"--list", "--limit", "0"},
                                             {"--list", "--limit", nasty},
                                             {"--list", "--seed", "-1"},
                                             {(root() / "CMakePresets.json").string()},
                                             {root().string()}}) {
    const Finished finished = run(arguments);
    EXPECT_EQ(finished.exit.code, kWrongUsage) << finished.output;
    EXPECT_EQ(finished.output, [&] {
      std::string harmless;
      for (const std::string& line : split(finished.output, '\n'))
        harmless += printable(line) + "\n";
      return harmless.substr(0, harmless.size() - 1);
    }());
  }
  EXPECT_NE(run({"--list", "--operators", "drop-pt"}).output.find("drop-put"), std::string::npos);
}

TEST_F(MutantCheckTest, WhatIsWrongWithTheBuildIsSaid) {
  source(kSmall);
  write_file(root() / "build/release/compile_commands.json", "{]");
  EXPECT_EQ(run({"--list"}).exit.code, kEnvironmentAtFault);
  write_file(root() / "build/release/compile_commands.json", "[]");
  EXPECT_EQ(run({"--list"}).exit.code, kEnvironmentAtFault);
  fs::remove(root() / "build/release/compile_commands.json");
  EXPECT_EQ(run({"--list"}).exit.code, kEnvironmentAtFault);
  EXPECT_EQ(run({"--list", "--no-check"}).exit.code, kNothingFound);
  source("this is no C++;\nvoid f() { a_put(1); }\n");
  EXPECT_EQ(run({"--list"}).exit.code, kEnvironmentAtFault);
}

}  // namespace
}  // namespace tool
