#include "fuzz/tool/merge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/fake_target.h"
#include "fuzz/tool/sha1.h"

namespace tool {
namespace {

// --- the choice ---

TEST(MergeSelect, TheSmallestWithAFeatureIsKept) {
  EXPECT_EQ(select_inputs({}), (std::vector<size_t>{}));
  EXPECT_EQ(select_inputs({{1, 2}, {2}, {1, 2, 3}, {3}, {}}), (std::vector<size_t>{0, 2}));
}

TEST(MergeSelect, EachKeptOneIsTheFirstWithSomeFeature) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; round++) {
    std::vector<Features> features(random() % 30);
    for (Features& of_one : features) {
      of_one.resize(random() % 6);
      for (uint32_t& feature : of_one) feature = random() % 40;
    }
    std::vector<size_t> firsts;
    for (uint32_t feature = 0; feature < 40; feature++) {
      auto has = [&](const Features& of_one) {
        return std::find(of_one.begin(), of_one.end(), feature) != of_one.end();
      };
      auto first = std::find_if(features.begin(), features.end(), has);
      if (first != features.end()) firsts.push_back(static_cast<size_t>(first - features.begin()));
    }
    std::sort(firsts.begin(), firsts.end());
    firsts.erase(std::unique(firsts.begin(), firsts.end()), firsts.end());
    EXPECT_EQ(select_inputs(features), firsts);
  }
}

// --- libFuzzer's control file ---

TEST(MergeControlFile, FeaturesAndTheInputThatWasCutShort) {
  ControlFile control = parse_control_file(
      "3\n0\n/in/0\n/in/1\n/in/2\nSTARTED 0 4\nFT 0 7 9\nCOV 0 3\nSTARTED 1 5\n");
  EXPECT_EQ(control.features, (std::map<size_t, Features>{{0, {7, 9}}}));
  EXPECT_EQ(control.cut_short, 1u);
  EXPECT_EQ(control.next, 2u);
  control = parse_control_file("1\n0\n/in/0\nSTARTED 0 4\nFT 0\nCOV 0\n");
  EXPECT_EQ(control.features, (std::map<size_t, Features>{{0, {}}}));
  EXPECT_FALSE(control.cut_short);
  EXPECT_EQ(parse_control_file("2\n0\na\nb\n").next, 0u);
}

// --- inputs ---

class MergeInputsTest : public testing::Test {
 protected:
  std::string put(const std::string& name, const std::string& content) {
    fs::path file = scratch_.path() / name;
    fs::create_directories(file.parent_path());
    write_file(file, content);
    return file.string();
  }
  std::string folder(const std::string& name) const { return (scratch_.path() / name).string(); }

  std::string error_of(const std::vector<std::string>& paths,
                       const std::string& target = "userq_fuzzer") {
    try {
      read_inputs(paths, target);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "no error";
  }

  ScratchFolder scratch_{fs::temp_directory_path()};
};

TEST_F(MergeInputsTest, EachContentOnceTheSmallestFirst) {
  put("a/1", "bb");
  put("a/deep/2", "ccc");
  put("b/1", "ab");
  put("b/2", "bb");
  put("b/3", "\xff");
  put("b/4", "");
  MergeInputs inputs = read_inputs({folder("a"), folder("b")}, "userq_fuzzer");
  EXPECT_EQ(inputs.contents, (std::vector<std::string>{"\xff", "ab", "bb", "ccc"}));
  EXPECT_EQ(inputs.files, 6u);
  EXPECT_EQ(inputs.doubles, 1u);
  EXPECT_EQ(inputs.empty, 1u);
  EXPECT_EQ(inputs.bytes, 10u);
}

TEST_F(MergeInputsTest, TextBecomesBytes) {
  put("t/x.fence", "device cpus=1\n");
  std::string steps = put("y.steps", "preempt 1 2 3\n");
  EXPECT_EQ(read_inputs({folder("t")}, "userq_fuzzer").contents,
            (std::vector<std::string>{std::string("\1\0\0", 3)}));
  EXPECT_EQ(read_inputs({steps}, "allocator_fuzzer").contents,
            (std::vector<std::string>{std::string("\0\1\2\3", 4)}));
}

TEST_F(MergeInputsTest, WhatCannotBeReadIsNamed) {
  fs::create_directories(folder("empty"));
  EXPECT_EQ(error_of({folder("empty")}), "no input in " + folder("empty") + ": there is no file");
  put("hollow/1", "");
  EXPECT_EQ(error_of({folder("hollow")}),
            "no input in " + folder("hollow") + ": all files are empty");
  EXPECT_TRUE(error_of({folder("emtpy")}).ends_with("/emtpy'")) << error_of({folder("emtpy")});
  std::string wrong = put("wrong.fence", "t0: wiat A\n");
  EXPECT_EQ(error_of({wrong}), wrong + ":1:5: unknown operation 'wiat', did you mean 'wait'?");
}

// --- a target ---

// Behaves as libFuzzer's merge process: the features of an input are the numbers it consists of.
// One that says "crash" ends the process.
constexpr const char* kFakeMerge =
    "for argument; do\n"
    "  case $argument in -merge_control_file=*) control=${argument#*=} ;; esac\n"
    "done\n"
    "count=$(head -n 1 $control)\n"
    "i=$(grep -c '^STARTED' $control)\n"
    "while [ $i -lt $count ]; do\n"
    "  file=$(sed -n \"$((i + 3))p\" $control)\n"
    "  echo \"STARTED $i 1\" >>$control\n"
    "  if grep -q crash $file; then\n"
    "    echo '==fencebench== ERROR: warn-on: a condition'\n"
    "    echo 'SUMMARY: fencebench: warn-on a_function'\n"
    "    exit 77\n"
    "  fi\n"
    "  echo \"FT $i $(cat $file)\" >>$control\n"
    "  i=$((i + 1))\n"
    "done\n";

class MergeRunTest : public testing::Test {
 protected:
  Measured measure(const std::vector<std::string>& inputs, const std::string& script,
                   unsigned jobs) {
    checkout_.add_target("asan", "userq_fuzzer", script);
    Measurement measurement(checkout_.project(), "userq_fuzzer", "asan", jobs, progress_);
    return measurement.run(inputs);
  }

  FakeCheckout checkout_;
  Progress progress_;
};

TEST_F(MergeRunTest, FeaturesOfEachInput) {
  for (unsigned jobs : {1u, 2u, 7u}) {
    Measured measured = measure({"1", "1 2", "3 40"}, kFakeMerge, jobs);
    EXPECT_EQ(measured.features, (std::vector<Features>{{1}, {1, 2}, {3, 40}})) << jobs;
    EXPECT_TRUE(measured.set_aside.empty());
    EXPECT_EQ(measured.at_exit, "");
  }
}

TEST_F(MergeRunTest, WhatEndsTheProcessIsSetAsideAndTheOthersGoOn) {
  for (unsigned jobs : {1u, 2u}) {
    Measured measured =
        measure({"crash 1", "2", "crash 3", "crash 4", "5", "crash 6"}, kFakeMerge, jobs);
    EXPECT_EQ(measured.features, (std::vector<Features>{{}, {2}, {}, {}, {5}, {}}));
    ASSERT_EQ(measured.set_aside.size(), 4u);
    EXPECT_EQ(measured.set_aside[1].input, 2u);
    EXPECT_EQ(measured.set_aside[1].verdict, "warn-on a_function");
    EXPECT_TRUE(measured.set_aside[1].report.starts_with("==fencebench== ERROR: warn-on"));
  }
}

TEST_F(MergeRunTest, AReportAtExitIsTold) {
  Measured measured = measure({"1"}, std::string(kFakeMerge) + "exit 3\n", 1);
  EXPECT_EQ(measured.features, (std::vector<Features>{{1}}));
  EXPECT_EQ(measured.at_exit, "no report, exit status 3");
}

TEST_F(MergeRunTest, ATargetThatDoesNotStartIsAnError) {
  EXPECT_THROW(measure({"1"}, "exit 1\n", 1), EnvironmentError);
  EXPECT_THROW(measure({"1"}, "exit 0\n", 1), EnvironmentError);
}

// --- a real target ---

class MergeRealTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::path binary = checkout_.project().binary("release", kTarget, "");
    fs::create_directories(binary.parent_path());
    fs::create_symlink(FENCEBENCH_REAL_TARGET, binary);
    std::mt19937 random(7);
    for (int i = 0; i < 300; i++) {
      std::string steps(4 * (1 + random() % 24), '\0');
      for (char& byte : steps) byte = static_cast<char>(random() % 64);
      corpus_.push_back(steps);
    }
  }

  // The files of a folder, by name and content.
  using Files = std::map<std::string, std::string>;
  static Files files_of(const fs::path& folder) {
    Files files;
    for (const std::string& name : files_in(folder)) files[name] = read_file(folder / name);
    return files;
  }

  // Writes the inputs to folders, in the order given, and merges these in the order given.
  Files merged(const std::vector<std::string>& contents, unsigned folders, unsigned jobs) {
    ScratchFolder scratch(checkout_.root());
    std::vector<std::string> paths;
    for (unsigned i = 0; i < contents.size(); i++) {
      fs::path folder = scratch.path() / std::to_string(folders - i % folders);
      fs::create_directories(folder);
      write_file(folder / fmt_name(i), contents[i]);
      if (i < folders) paths.push_back(folder.string());
    }
    MergeInputs inputs = read_inputs(paths, kTarget);
    Measurement measurement(checkout_.project(), kTarget, "release", jobs, progress_);
    Measured measured = measurement.run(inputs.contents);
    EXPECT_TRUE(measured.set_aside.empty());
    EXPECT_EQ(measured.at_exit, "");
    Files files;
    for (size_t i : select_inputs(measured.features)) {
      files[sha1(inputs.contents[i])] = inputs.contents[i];
    }
    return files;
  }
  static std::string fmt_name(unsigned i) { return "input" + std::to_string(i); }

  static constexpr const char* kTarget = "allocator_fuzzer";
  FakeCheckout checkout_;
  Progress progress_;
  std::vector<std::string> corpus_;
};

TEST_F(MergeRealTest, AnyOrderAndTwiceGiveTheSameFiles) {
  Files first = merged(corpus_, 1, 1);
  EXPECT_GT(first.size(), 5u);
  EXPECT_LT(first.size(), corpus_.size() / 2);
  std::vector<std::string> backwards(corpus_.rbegin(), corpus_.rend());
  EXPECT_EQ(merged(backwards, 3, 2), first);
  std::vector<std::string> shuffled = corpus_;
  std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937(8));
  EXPECT_EQ(merged(shuffled, 7, 1), first);

  std::vector<std::string> kept;
  for (const auto& [name, content] : first) kept.push_back(content);
  EXPECT_EQ(merged(kept, 1, 1), first);
}

// libFuzzer's own merge still works on our targets, and calls its files what we call ours.
TEST_F(MergeRealTest, LibFuzzersOwnMerge) {
  fs::path from = checkout_.root() / "from";
  fs::path to = checkout_.root() / "to";
  fs::create_directories(from);
  fs::create_directories(to);
  for (unsigned i = 0; i < corpus_.size(); i++) write_file(from / fmt_name(i), corpus_[i]);
  Command command;
  command.argv = {FENCEBENCH_REAL_TARGET, "-merge=1", to.string(), from.string()};
  Finished finished = run_and_capture(command);
  EXPECT_TRUE(finished.exit.clean()) << finished.output;
  Files files = files_of(to);
  EXPECT_GT(files.size(), 5u);
  for (const auto& [name, content] : files) EXPECT_EQ(name, sha1(content));
}

}  // namespace
}  // namespace tool
