// Dictionaries: complete, of bytes that mean what their names say, in a form that engines read.
#include "fuzz/targets/dictionary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "fuzz/program/codec.h"
#include "fuzz/targets/steps.h"
#include "fuzz/targets/text_form.h"

namespace {

using dictionary::Entry;

TEST(Dictionary, NamesEachOperationOfProgramsByARecordThatDecodesToIt) {
  std::set<std::string> operations;
  for (const Entry& entry : dictionary::of_target("userq_fuzzer")) {
    std::vector<uint8_t> bytes(program::kHeaderSize);
    bytes.insert(bytes.end(), entry.bytes.begin(), entry.bytes.end());
    const program::Program program = program::decode(bytes.data(), bytes.size());
    if (entry.name.starts_with("to_")) {
      EXPECT_EQ(program.schedule.size(), 1u) << entry.name;
      continue;
    }
    ASSERT_EQ(program.ops.size(), 1u) << entry.name;
    EXPECT_EQ(program::op_spec(program.ops[0].kind).name, entry.name);
    EXPECT_EQ(program::encode(program), bytes) << entry.name;
    operations.insert(entry.name);
  }
  EXPECT_EQ(operations.size(), program::kOpKinds);
}

TEST(Dictionary, NamesEachStepAndEachCall) {
  for (const char* target :
       {"allocator_fuzzer", "dma_fence_fuzzer", "syncobj_fuzzer", "ioctl_fuzzer"}) {
    const auto entries = dictionary::of_target(target);
    ASSERT_GT(entries.size(), 8u) << target;
    for (const Entry& entry : entries) {
      const std::string text = text_form::disassemble(target, entry.bytes);
      EXPECT_EQ(text.substr(0, text.find_first_of(" \n")), entry.name) << target;
      EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << target << ' ' << entry.name;
    }
  }
}

TEST(Dictionary, HasTheWordsOfTheLanguage) {
  std::set<std::string> words;
  for (const Entry& entry : dictionary::of_target("program_fuzzer"))
    words.emplace(entry.bytes.begin(), entry.bytes.end());
  for (const char* word :
       {"device",    "cpus",           "seq64",   "process", "p1",       "schedule",   "irq",
        "timer",     "queue_create",   "compute", "none",    "doorbell", "for_submit", "fail_alloc",
        "fail_copy", "signal_pending", ":",       ">",       "[",        "]"})
    EXPECT_TRUE(words.contains(word)) << word;
}

TEST(Dictionary, EscapesWhatAnEngineWouldNotReadAsItself) {
  EXPECT_EQ(dictionary::to_text({{"a", {'x', '"', '\\', 0, 0x7f, 0xff}}, {"b", {' '}}}),
            "a=\"x\\x22\\x5c\\x00\\x7f\\xff\"\nb=\" \"\n");
}

TEST(Dictionary, IsEmptyForATargetOfUnknownForm) {
  EXPECT_TRUE(dictionary::of_target("canary_fuzzer").empty());
}

}  // namespace
