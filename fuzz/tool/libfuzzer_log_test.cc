#include "fuzz/tool/libfuzzer_log.h"

#include <gtest/gtest.h>

#include "fuzz/tool/strings.h"
#include "fuzz/tool/verdict.h"

// The texts here are what binaries of clang 22 printed, shortened in the middle of stacks.

namespace tool {
namespace {

LibFuzzerLog read(std::string_view text) {
  LibFuzzerLog log;
  for (const std::string& line : split(trim(text), '\n')) log.line(line);
  return log;
}

constexpr const char* kReferenceLeak = R"(INFO: Running with entropic power schedule (0xFF, 100).
INFO: Seed: 4021593113
INFO: Loaded 1 modules   (37 inline 8-bit counters): 37 [0x564b2d6e5f60, 0x564b2d6e5f85), 
INFO:        0 files found in c1
INFO: A corpus is not provided, starting from an empty corpus
#2	INITED cov: 5 ft: 5 corp: 1/1b exec/s: 0 rss: 31Mb
#9	NEW    cov: 7 ft: 7 corp: 2/4b lim: 4 exec/s: 0 rss: 32Mb L: 3/3 MS: 2 CrossOver-InsertByte-
#31001	REDUCE cov: 11 ft: 12 corp: 4/10b lim: 301 exec/s: 0 rss: 34Mb L: 3/3 MS: 1 EraseBytes-
==fencebench== ERROR: reference-leak: fence_driver#1 still has 1 reference after device teardown
  held by fence_drv_array of userq_fence#3
SUMMARY: fencebench: reference-leak fence_driver held by fence_drv_array
==4233== ERROR: libFuzzer: deadly signal
    #0 0x564b2d662e21 in __sanitizer_print_stack_trace (/tmp/toy+0x119e21) (BuildId: 75c18b42)
    #4 0x7f63c62a8eeb in __pthread_kill_implementation nptl/pthread_kill.c:43:17
    #7 0x564b2d69c24c in LLVMFuzzerTestOneInput /src/fuzz/toy_fuzzer.cc:18:5

NOTE: libFuzzer has rudimentary signal handlers.
SUMMARY: libFuzzer: deadly signal
MS: 4 CrossOver-CrossOver-ShuffleBytes-InsertByte-; base unit: adc83b19e793491b1c6ea0fd8b46cd9f32e592fc
0x42,0x55,0x47,0x42,0x55,0xa,0x29,
BUGBU\012)
artifact_prefix='./'; Test unit written to ./crash-5c279d9545087262aee1b1012c09c2a1f1c1cc64
Base64: QlVHQlUKKQ==
stat::number_of_executed_units: 58515
stat::average_exec_per_sec:     0
stat::new_units_added:          8
stat::slowest_unit_time_sec:    0
stat::peak_rss_mb:              37
)";

TEST(LibFuzzerLog, ReadsStatusAndFinalStatistics) {
  LibFuzzerLog log = read(kReferenceLeak);
  EXPECT_EQ(log.executions(), 58515u);
  EXPECT_EQ(log.edges(), 11u);
  EXPECT_EQ(log.features(), 12u);
  EXPECT_EQ(log.corpus(), 4u);
  EXPECT_EQ(log.rss_mb(), 37u);
  EXPECT_EQ(log.seed(), 4021593113u);
  EXPECT_TRUE(log.loaded());
  EXPECT_TRUE(log.reporting());
  EXPECT_FALSE(log.finished());
  EXPECT_EQ(log.leak_check_off_at(), 0u);
}

TEST(LibFuzzerLog, OurOwnReportEndsWithItsSummary) {
  EXPECT_EQ(read(kReferenceLeak).report(),
            (std::vector<std::string>{
                "==fencebench== ERROR: reference-leak: fence_driver#1 still has 1 reference after "
                "device teardown",
                "  held by fence_drv_array of userq_fence#3",
                "SUMMARY: fencebench: reference-leak fence_driver held by fence_drv_array"}));
}

TEST(LibFuzzerLog, AReportComesWithoutTheDumpOfTheInput) {
  EXPECT_EQ(read("WARNING: ThreadSanitizer: data race (pid=4288)\n"
                 "SUMMARY: ThreadSanitizer: data race /tmp/race.cc:11:28 in f\n"
                 "==================\n"
                 "MS: 1 InsertByte-; base unit: adc83b19e793491b1c6ea0fd8b46cd9f32e592fc\n"
                 "0x48,0xa,\n"
                 "H\\012\n"
                 "artifact_prefix='./'; Test unit written to ./crash-b408\n"
                 "Base64: SAo=\n"
                 "stat::peak_rss_mb:              77\n")
                .report(),
            (std::vector<std::string>{"WARNING: ThreadSanitizer: data race (pid=4288)",
                                      "SUMMARY: ThreadSanitizer: data race /tmp/race.cc:11:28 in f",
                                      "=================="}));
}

TEST(LibFuzzerLog, ReadsARunThatComesToItsEnd) {
  LibFuzzerLog log = read(R"(#2	INITED cov: 4 ft: 4 corp: 1/1b exec/s: 0 rss: 76Mb
#4194304	pulse  cov: 4 ft: 4 corp: 1/1b lim: 4096 exec/s: 1398101 rss: 77Mb
#4536257	DONE   cov: 4 ft: 4 corp: 1/1b lim: 4096 exec/s: 1134064 rss: 77Mb
Done 4536257 runs in 4 second(s)
stat::number_of_executed_units: 4536257
stat::peak_rss_mb:              77
)");
  EXPECT_TRUE(log.finished());
  EXPECT_FALSE(log.reporting());
  EXPECT_EQ(log.executions(), 4536257u);
}

TEST(LibFuzzerLog, CollectsTraces) {
  LibFuzzerLog log = read(
      "Running: /tmp/input\n"
      "fencebench: trace 0x00000000deadbeef points=57\n"
      "fencebench: trace 0x00000000deadbeef points=57\n");
  ASSERT_EQ(log.traces().size(), 2u);
  EXPECT_EQ(log.traces()[0], (Trace{"0x00000000deadbeef", 57}));
  EXPECT_EQ(log.traces()[1], log.traces()[0]);
}

TEST(LibFuzzerLog, TellsWhenTheLeakCheckWasSwitchedOff) {
  LibFuzzerLog log = read(
      "#5000\tpulse  cov: 4 ft: 4 corp: 1/1b lim: 4096 exec/s: 1 rss: 77Mb\n"
      "INFO: libFuzzer disabled leak detection after every mutation.\n");
  EXPECT_EQ(log.leak_check_off_at(), 5000u);
}

TEST(LibFuzzerLog, HostileLinesDoNoHarm) {
  LibFuzzerLog log;
  for (const char* line : {"#", "#\t", "#x\tNEW", "#99999999999999999999999\tNEW cov: 1",
                           "#5\tNEW    cov: corp: /", "stat::number_of_executed_units: x",
                           "==", "fencebench: trace ", "INFO: Seed: -1", "Done "}) {
    log.line(line);
  }
  log.line(std::string_view("\0\x1b[2J\xff", 6));
  EXPECT_EQ(log.executions(), 5u);
  EXPECT_EQ(log.edges(), 0u);
  EXPECT_FALSE(log.seed());
  EXPECT_FALSE(log.finished());
}

TEST(LibFuzzerLog, ReportAndTailAreBounded) {
  LibFuzzerLog log;
  log.line("==1==ERROR: AddressSanitizer: SEGV");
  for (int i = 0; i < 20000; i++) log.line("more");
  EXPECT_LE(log.report().size(), 5000u);
  EXPECT_LE(log.tail().size(), 30u);
}

// ---- verdicts
// ------------------------------------------------------------------------------------

std::string verdict_of(std::string_view text) {
  auto verdict = judge(read(text).report(), "/src/fb");
  return verdict ? verdict->text() : "none";
}

TEST(Verdict, OurOwnComesBeforeTheSignalThatFollows) {
  EXPECT_EQ(verdict_of(kReferenceLeak), "reference-leak fence_driver held by fence_drv_array");
  auto verdict = judge(read(kReferenceLeak).report(), "/");
  EXPECT_EQ(verdict->detector, "fencebench");
  EXPECT_EQ(verdict->kind, "reference-leak");
}

TEST(Verdict, AddressSanitizer) {
  EXPECT_EQ(
      verdict_of(
          R"(==4244==ERROR: AddressSanitizer: heap-use-after-free on address 0x7c0d65c08f71 at pc 0x55ae4b5e612d
READ of size 1 at 0x7c0d65c08f71 thread T0
    #0 0x55ae4b5e612c in userq::f(userq::Queue*) /src/fb/core/userq/queue.cc:22:106
SUMMARY: AddressSanitizer: heap-use-after-free /src/fb/core/userq/queue.cc:22:106 in userq::f(userq::Queue*)
==4244==ABORTING
)"),
      "AddressSanitizer: heap-use-after-free in userq::f core/userq/queue.cc:22");
}

TEST(Verdict, PlacesInACopyWithADefectReadAsInTheOriginal) {
  EXPECT_EQ(verdict_of("SUMMARY: AddressSanitizer: double-free "
                       "/src/fb/build/asan/defects/leak/src/core/dma/fence.cc:9:1 in dma::put"),
            "AddressSanitizer: double-free in dma::put core/dma/fence.cc:9");
}

TEST(Verdict, PlacesReadTheSameHoweverTheCompilerWasCalled) {
  for (const char* path :
       {"/src/fb/core/dma/fence.cc", "../../core/dma/fence.cc", "/other/checkout/core/dma/fence.cc",
        "/src/fb/build/asan/../../core/dma/fence.cc", "defects/leak/src/core/dma/fence.cc"}) {
    EXPECT_EQ(verdict_of(std::string("SUMMARY: AddressSanitizer: double-free ") + path +
                         ":9:1 in dma::put"),
              "AddressSanitizer: double-free in dma::put core/dma/fence.cc:9");
  }
  EXPECT_EQ(verdict_of("SUMMARY: AddressSanitizer: SEGV /usr/include/c++/12/bits/x.h:9:1 in f"),
            "AddressSanitizer: SEGV in f x.h:9");
}

TEST(Verdict, ADoubleFreeIsNamedByWhoFreed) {
  EXPECT_EQ(
      verdict_of(R"(==9==ERROR: AddressSanitizer: attempting double-free on 0x5020 in thread T0:
    #0 0x55d5b103e3a6 in free (/src/fb/build/asan/userq_fuzzer+0x1b43a6) (BuildId: 69)
    #1 0x55d5b10d9e72 in userq::drop(userq::Queue*) /src/fb/core/userq/queue.cc:47:3

SUMMARY: AddressSanitizer: double-free (/src/fb/build/asan/userq_fuzzer+0x1b43a6) (BuildId: 69) in free
)"),
      "AddressSanitizer: double-free in userq::drop core/userq/queue.cc:47");
}

TEST(Verdict, LeakIsNamedByWhoAllocated) {
  EXPECT_EQ(verdict_of(R"(==4238==ERROR: LeakSanitizer: detected memory leaks

Indirect leak of 8 byte(s) in 1 object(s) allocated from:
    #0 0x55c3468ce734 in malloc (/tmp/toy+0x10e734) (BuildId: 75c18b42)
    #1 0x55c346912f52 in other /src/fb/core/dma/fence.cc:1:1

Direct leak of 72 byte(s) in 1 object(s) allocated from:
    #0 0x55c3468ce734 in malloc (/tmp/toy+0x10e734) (BuildId: 75c18b42)
    #1 0x55c346912f40 in kernel::kzalloc(unsigned long) /src/fb/core/kernel/slab.cc:40:1
    #2 0x55c346912f52 in userq::fence_driver_alloc(userq::Device*) /src/fb/core/userq/fence_driver.cc:19:10
    #3 0x55c34680f515 in fuzzer::Fuzzer::ExecuteCallback(unsigned char const*, unsigned long) (/tmp/toy+0x4f515)

SUMMARY: AddressSanitizer: 80 byte(s) leaked in 2 allocation(s).
INFO: to ignore leaks on libFuzzer side use -detect_leaks=0.
)"),
            "LeakSanitizer: memory-leak in userq::fence_driver_alloc "
            "core/userq/fence_driver.cc:19");
}

TEST(Verdict, ThreadSanitizer) {
  EXPECT_EQ(verdict_of(R"(WARNING: ThreadSanitizer: data race (pid=4288)
  Write of size 4 at 0x55e0fa792bd8 by main thread:
    #0 LLVMFuzzerTestOneInput /tmp/race.cc:11:28 (race+0x1264b5) (BuildId: bffdb895)
SUMMARY: ThreadSanitizer: data race /tmp/race.cc:11:28 in LLVMFuzzerTestOneInput
)"),
            "ThreadSanitizer: data-race in LLVMFuzzerTestOneInput race.cc:11");
}

TEST(Verdict, MemorySanitizer) {
  EXPECT_EQ(verdict_of(R"(==4297==WARNING: MemorySanitizer: use-of-uninitialized-value
    #0 0x561e8978ab61 in LLVMFuzzerTestOneInput /tmp/race.cc:7:61
SUMMARY: MemorySanitizer: use-of-uninitialized-value /tmp/race.cc:7:61 in LLVMFuzzerTestOneInput
)"),
            "MemorySanitizer: use-of-uninitialized-value in LLVMFuzzerTestOneInput race.cc:7");
}

TEST(Verdict, UndefinedBehaviorTakesTheFunctionFromTheStack) {
  EXPECT_EQ(verdict_of(
                R"(race.cc:9:26: runtime error: shift exponent 40 is too large for 32-bit type 'int'
    #0 0x561982abacc6 in dma::merge(int) /src/fb/core/dma/merge.cc:9:26
SUMMARY: UndefinedBehaviorSanitizer: undefined-behavior race.cc:9:26 
)"),
            "UndefinedBehaviorSanitizer: undefined-behavior in dma::merge core/dma/merge.cc:9");
}

TEST(Verdict, WithoutNamesThePlaceIsAnOffset) {
  auto verdict = judge({"SUMMARY: ThreadSanitizer: data race (/src/fb/build/race+0x1264b5) "
                        "(BuildId: bffdb895) in f"},
                       "/src/fb");
  EXPECT_EQ(verdict->kind, "data-race");
  EXPECT_EQ(verdict->summary, "SUMMARY: ThreadSanitizer: data race (race+0x1264b5) in f");
}

TEST(Verdict, LibFuzzersOwn) {
  EXPECT_EQ(verdict_of(R"(==5== ERROR: libFuzzer: timeout after 1 seconds
    #0 0x5 in __sanitizer_print_stack_trace (/tmp/hang+0x1)
    #1 0x6 in fuzzer::PrintStackTrace() (/tmp/hang+0x2)
    #4 0x7 in sched::run(int) /src/fb/core/sched/run.cc:5:3
SUMMARY: libFuzzer: timeout
)"),
            "libFuzzer: timeout in sched::run core/sched/run.cc:5");
  EXPECT_EQ(verdict_of(R"(==4280== ERROR: libFuzzer: out-of-memory (used: 353Mb; limit: 200Mb)
    #1 0x55b7fecd9db9 in LLVMFuzzerTestOneInput /tmp/hang.cc:5:127
SUMMARY: libFuzzer: out-of-memory
)"),
            "libFuzzer: out-of-memory");
}

TEST(Verdict, NoneWithoutASummary) {
  EXPECT_EQ(verdict_of("Done 5 runs in 1 second(s)\n"), "none");
  EXPECT_EQ(verdict_of("SUMMARY: \nSUMMARY: x\n"), "none");
}

TEST(Verdict, HostileTextIsMadeHarmless) {
  EXPECT_EQ(verdict_of("SUMMARY: fencebench: warn-on \x1b[31mred"), "warn-on \\x1b[31mred");
}

TEST(Verdict, Frames) {
  auto frame =
      parse_frame("    #2 0x55 in std::function<void (int)>::operator()(int) const /a/f.h:3:4");
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->function, "std::function<void (int)>::operator()");
  EXPECT_EQ(frame->file, "/a/f.h");
  EXPECT_EQ(frame->line, 3);
  frame = parse_frame("    #6 <null> <null> (libstdc++.so.6+0xd44a2) (BuildId: 289ee39f)");
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->file, "");
  frame = parse_frame("    #3 0x7f63c625a04f  (/lib/libc.so.6+0x3c04f) (BuildId: 93ac61ec)");
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->function, "?");
  EXPECT_FALSE(parse_frame("no frame"));
  EXPECT_FALSE(parse_frame("#12\tNEW cov: 3"));
}

}  // namespace
}  // namespace tool
