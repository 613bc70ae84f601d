#include "fuzz/tool/input.h"

#include <gtest/gtest.h>

#include "fuzz/program/codec.h"
#include "fuzz/targets/text_form.h"
#include "fuzz/tool/files.h"

namespace tool {
namespace {

class InputTest : public testing::Test {
 protected:
  fs::path file(const std::string& name, std::string_view content) {
    fs::path path = scratch_.path() / name;
    fs::create_directories(path.parent_path());
    write_file(path, content);
    return path;
  }
  std::string error_of(const fs::path& path) {
    try {
      load_input(path);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  }
  ScratchFolder scratch_{fs::temp_directory_path()};
};

constexpr const char* kProgram = "device cpus=2 seq64=64\nt0: A = queue_create gfx\n";

TEST_F(InputTest, TextIsAProgramWithItsComment) {
  Input input = load_input(
      file("x.fence", std::string("# fencebench: target=t_fuzzer checks=none\n") + kProgram));
  EXPECT_TRUE(input.is_text);
  ASSERT_TRUE(input.program);
  EXPECT_EQ(input.program->ops.size(), 1u);
  EXPECT_EQ(input.comment.target, "t_fuzzer");
  EXPECT_EQ(input.comment.checks, "none");
  EXPECT_EQ(program::decode(input.bytes.data(), input.bytes.size()), *input.program);
}

TEST_F(InputTest, AFolderOfTheCorpusSaysWhatTheInputIsFor) {
  EXPECT_EQ(load_input(file("corpus/a_fuzzer/x.fence", kProgram)).comment.target, "a_fuzzer");
  EXPECT_EQ(load_input(file("corpus/a_fuzzer/asan/0123", "bytes")).comment.target, "a_fuzzer");
  Input defect = load_input(file("corpus/defects/leak.fence", kProgram));
  EXPECT_EQ(defect.comment.target, "userq_fuzzer");
  EXPECT_EQ(defect.comment.defect, "leak");
  EXPECT_EQ(load_input(file("x.fence", kProgram)).comment.target, "userq_fuzzer");
}

TEST_F(InputTest, BytesWithASidecar) {
  file("c.json", R"({"target": "canary_fuzzer", "sanitizer": "tsan"})");
  Input input = load_input(file("c.bin", "\x01\x02"));
  EXPECT_FALSE(input.is_text);
  EXPECT_FALSE(input.program);
  EXPECT_EQ(input.comment.sanitizer, "tsan");
  EXPECT_EQ(input.bytes, (std::vector<uint8_t>{1, 2}));
}

TEST_F(InputTest, BytesWithoutASidecarAreReadAsAProgram) {
  Input input = load_input(file("crash-0123", "\x01\x02"));
  EXPECT_TRUE(input.program);
  EXPECT_EQ(input.comment.target, "");
}

constexpr const char* kSteps = "# two steps\nfail_alloc 3 # the third\n\npreempt 1 0 2\n";

TEST_F(InputTest, StepsBelongToTheTargetOfTheirFolderOrComment) {
  Input input = load_input(file("corpus/dma_fence_fuzzer/x.steps", kSteps));
  EXPECT_TRUE(input.is_text);
  EXPECT_FALSE(input.program);
  EXPECT_EQ(input.comment.target, "dma_fence_fuzzer");
  EXPECT_EQ(input.bytes.size(), 8u);
  EXPECT_EQ(text_form::disassemble("dma_fence_fuzzer", input.bytes),
            "fail_alloc 3 0 0\npreempt 1 0 2\n");

  std::string comment = "# fencebench: target=allocator_fuzzer defect=leak\n";
  input = load_input(file("y.steps", comment + kSteps));
  EXPECT_EQ(input.comment.target, "allocator_fuzzer");
  EXPECT_EQ(input.comment.defect, "leak");
}

TEST_F(InputTest, StepsThatShowADefectSayTheirTarget) {
  fs::path path = file("corpus/defects/leak.steps", kSteps);
  EXPECT_NE(error_of(path).find("add --target"), std::string::npos) << error_of(path);
  Input input = load_input(path, "dma_fence_fuzzer");
  EXPECT_EQ(input.comment.target, "dma_fence_fuzzer");
  EXPECT_EQ(input.comment.defect, "leak");
}

TEST_F(InputTest, TheUserSaysWhichTargetBytesAndStepsAreFor) {
  EXPECT_EQ(load_input(file("z.steps", kSteps), "dma_fence_fuzzer").bytes.size(), 8u);
  Input input = load_input(file("crash-0123", "\x01\x02\x03\x04"), "dma_fence_fuzzer");
  EXPECT_FALSE(input.program);
  EXPECT_EQ(input.comment.target, "dma_fence_fuzzer");
  EXPECT_TRUE(error_of(file("z.steps", kSteps)).find("add --target") != std::string::npos);
}

TEST_F(InputTest, MistakesInStepsAreShownWhereTheyAre) {
  fs::path path = file("corpus/dma_fence_fuzzer/bad.steps", "preempt 1\nno_such_step\n");
  EXPECT_NE(error_of(path).find("bad.steps:2: no such step"), std::string::npos) << error_of(path);
  path = file("corpus/userq_fuzzer/x.steps", kSteps);
  EXPECT_NE(error_of(path).find("no target 'userq_fuzzer' takes steps"), std::string::npos)
      << error_of(path);
}

TEST_F(InputTest, CallsAreTextOfTheIoctlTarget) {
  Input input = load_input(file("corpus/ioctl_fuzzer/x.calls", "# one\np1: wait num_fences=1\n"));
  EXPECT_TRUE(input.is_text);
  EXPECT_EQ(text_form::disassemble("ioctl_fuzzer", input.bytes), "p1: wait num_fences=1\n");
}

TEST_F(InputTest, OtherTargetsTakeBytesAsTheyAre) {
  EXPECT_EQ(text_form::disassemble("canary_fuzzer", {1, 2, 3, 4}), "");
  EXPECT_EQ(assemble("x.bin", "canary_fuzzer", "ab"), (std::vector<uint8_t>{'a', 'b'}));
}

TEST_F(InputTest, MistakesAreShownWhereTheyAre) {
  fs::path path = file("bad.fence", "device cpus=2 seq64=64\nt0: A = queue_creat gfx\n");
  try {
    load_input(path);
    FAIL() << "accepted";
  } catch (const ProgramError& error) {
    EXPECT_NE(std::string(error.what()).find("bad.fence:2:9: "), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("queue_create"), std::string::npos) << error.what();
    EXPECT_EQ(error.excerpt, "  t0: A = queue_creat gfx\n          ^");
  }
}

TEST_F(InputTest, TheCaretStandsRightBehindTabsAndHostileBytes) {
  program::ParseError at{.line = 1, .column = 4, .message = "m"};
  EXPECT_EQ(ProgramError("f", "\tab?\n", at).excerpt, "  \tab?\n  \t  ^");
  EXPECT_EQ(ProgramError("f",
                         "\x1b"
                         "ab?\n",
                         at)
                .excerpt,
            "  \\x1bab?\n        ^");
  at = {.line = 9, .column = 4, .message = "m"};
  EXPECT_EQ(ProgramError("f", "one line\n", at).excerpt, "");
}

TEST_F(InputTest, MissingAndUnreadableFiles) {
  fs::path there = file("finding-1.fence", kProgram);
  fs::path missing = scratch_.path() / "finding-2.fence";
  EXPECT_EQ(error_of(missing),
            "no file '" + missing.string() + "'; did you mean '" + there.string() + "'?");
  EXPECT_EQ(error_of(scratch_.path() / "no/x.fence"),
            "no file '" + (scratch_.path() / "no/x.fence").string() + "'; there is no folder '" +
                (scratch_.path() / "no").string() + "'");
  EXPECT_EQ(error_of(scratch_.path()),
            "cannot read '" + scratch_.path().string() + "': it is a folder");
}

}  // namespace
}  // namespace tool
