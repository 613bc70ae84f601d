// LeakSanitizer after each run, where it is built in.
#include "fuzz/targets/leak_check.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "core/sched/sanitizer.h"

namespace {

void* volatile kept;

__attribute__((noinline)) void leak() {
  kept = std::malloc(17);
  kept = nullptr;
}

void run(bool checked, void (*body)()) {
  TargetOptions options;
  options.leak_check = checked;
  check_leaks(options);
  leak_check_begins();
  body();
  leak_check_ends();
  std::_Exit(3);
}

TEST(LeakCheck, ALeakEndsTheProcess) {
#if defined(FENCEBENCH_ASAN)
  EXPECT_DEATH(run(true, leak), "detected memory leaks");
#else
  EXPECT_EXIT(run(true, leak), testing::ExitedWithCode(3), "");
#endif
}

TEST(LeakCheck, NobodyLooksUnlessAsked) {
  EXPECT_EXIT(run(false, leak), testing::ExitedWithCode(3), "");
}

TEST(LeakCheck, WhatIsStillInUseIsNoLeak) {
  EXPECT_EXIT(run(true, [] { kept = std::malloc(17); }), testing::ExitedWithCode(3), "");
}

}  // namespace
