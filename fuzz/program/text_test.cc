#include "fuzz/program/text.h"

#include <gtest/gtest.h>

#include "fuzz/program/codec.h"
#include "fuzz/program/generate.h"
#include "fuzz/program/rng.h"

namespace program {
namespace {

Program parsed(std::string_view text) {
  auto result = parse(text);
  if (const ParseError* error = std::get_if<ParseError>(&result)) {
    ADD_FAILURE() << error->line << ':' << error->column << ": " << error->message << "\n" << text;
    return {};
  }
  return std::get<Program>(result);
}

constexpr std::string_view kGolden =
    "device cpus=2 seq64=64\n"
    "process p1: t2 t3\n"
    "t0: A = queue_create gfx doorbell=3\n"
    "t0: S = syncobj_create signaled\n"
    "t0: signal A wptr=4 syncobjs=[S]\n"
    "t1: wait B syncobjs=[S,T] num_fences=1 fail_alloc=2 fail_copy=1 signal_pending\n"
    "t0: gpu_write B rptr=0x100000000\n"
    "irq: eop A\n"
    "t1: eop A cpu=3\n"
    "t3: file_close\n"
    "schedule: 31>t1 4>irq 2>t0 7>rcu 1>worker\n";

TEST(Text, Golden) {
  Program program = parsed(kGolden);
  EXPECT_EQ(to_text(program), kGolden);
  EXPECT_EQ(program.device, (DeviceConfig{2, 64, 0x0c}));
  ASSERT_EQ(program.ops.size(), 8u);
  EXPECT_EQ(program.ops[3],
            (Op{OpKind::kWait, 1, {1, SlotList::push(SlotList::push(0, 0), 1), 1}, {2, 1, true}}));
  EXPECT_EQ(program.ops[5].lane, kIrqLane);
  EXPECT_EQ(program.schedule[1], (Preemption{4, Target::kIrq}));
}

TEST(Text, EmptyProgram) {
  EXPECT_EQ(to_text({}), "device cpus=2 seq64=64\n");
  EXPECT_EQ(parsed(""), Program{});
  EXPECT_EQ(parsed("\n\n# nothing\n"), Program{});
  EXPECT_EQ(parsed("device"), Program{});
}

TEST(Text, LayoutIsFree) {
  Program program = parsed(
      "\xef\xbb\xbf# a comment with a NUL, rubbish and \xff\r\n"
      "\r\n"
      "  device seq64 = 0x10 cpus=1 # after a statement\r\n"
      "\tt0:S=syncobj_create\r\n"
      "t0 : signal syncobjs = [ S , S ] A wptr=0x10\r\n"
      "schedule: 1>t1\r\n"
      "schedule: 2 > irq\r\n"
      "schedule:");
  EXPECT_EQ(to_text(program),
            "device cpus=1 seq64=16\n"
            "t0: S = syncobj_create\n"
            "t0: signal A wptr=16 syncobjs=[S,S]\n"
            "schedule: 1>t1 2>irq\n");
}

TEST(Text, PresetsMayBeWritten) {
  EXPECT_EQ(to_text(parsed("t0: wait A syncobjs=[] num_fences=0 fail_alloc=0\nt0: eop B cpu=0")),
            "device cpus=2 seq64=64\nt0: wait A\nt0: eop B\n");
}

TEST(Text, RandomProgramsRoundTrip) {
  Rng rng(4);
  for (int i = 0; i < 20000; i++) {
    Program program = random_program(rng);
    ASSERT_EQ(parsed(to_text(program)), program) << to_text(program);
  }
}

TEST(Text, DecodedBytesRoundTrip) {
  Rng rng(5);
  for (int i = 0; i < 20000; i++) {
    std::vector<uint8_t> bytes(rng.below(200));
    for (uint8_t& b : bytes) b = static_cast<uint8_t>(rng.next());
    Program program = decode(bytes.data(), bytes.size());
    ASSERT_EQ(parsed(to_text(program)), program) << to_text(program);
  }
}

TEST(Text, FullProgramRoundTrips) {
  Program program;
  Rng rng(6);
  while (insert_random_op(program, rng)) continue;
  while (insert_random_preemption(program, rng)) continue;
  EXPECT_EQ(program.ops.size(), kMaxOps);
  EXPECT_EQ(program.schedule.size(), kMaxPreemptions);
  EXPECT_EQ(parsed(to_text(program)), program);
}

TEST(Text, AnyBytesAreParsedOrRefused) {
  Rng rng(7);
  const std::string_view golden = kGolden;
  for (int i = 0; i < 100000; i++) {
    // A good text with some bytes replaced, removed or repeated.
    std::string text(golden);
    for (unsigned n = 1 + rng.below(4); n && !text.empty(); n--) {
      size_t at = rng.below(text.size());
      switch (rng.below(4)) {
        case 0:
          text[at] = static_cast<char>(rng.next());
          break;
        case 1:
          text.erase(at, 1 + rng.below(8));
          break;
        case 2:
          text.insert(at, text.substr(rng.below(text.size()), rng.below(16)));
          break;
        default:
          text[at] = text[rng.below(text.size())];
          break;
      }
    }
    auto result = parse(text);
    if (const ParseError* error = std::get_if<ParseError>(&result)) {
      ASSERT_GE(error->line, 1);
      ASSERT_GE(error->column, 1);
      ASSERT_FALSE(error->message.empty());
      ASSERT_LT(error->message.size(), 300u) << error->message;
      for (char c : error->message) ASSERT_TRUE(c >= ' ' && c <= '~') << error->message;
    } else {
      Program program = std::get<Program>(result);
      ASSERT_EQ(parsed(to_text(program)), program);
    }
  }
}

}  // namespace
}  // namespace program
