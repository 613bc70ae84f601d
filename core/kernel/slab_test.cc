// Kernel memory: what is live, what was forgotten, and injected failures.
#include "core/kernel/slab.h"

#include <gtest/gtest.h>

#include "core/kernel/spinlock.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"

namespace {

using kernel::Gfp;
using kernel::run_alone;
using kernel::TestRun;

TEST(Slab, ObjectNeverFreedIsReportedByItsType) {
  EXPECT_EQ(run_alone([] { kernel::kmalloc(8, Gfp::kKernel, "thing"); }), "object-leak thing");
  EXPECT_EQ(run_alone([] { kernel::kfree(kernel::kmalloc(8, Gfp::kKernel, "thing")); }), "nothing");
}

TEST(Slab, OldestOfSeveralLeaksIsReported) {
  EXPECT_EQ(run_alone([] {
              void* freed = kernel::kmalloc(8, Gfp::kKernel, "freed");
              for (int i = 0; i < 100; ++i)
                kernel::kmalloc(8, Gfp::kKernel, i == 0 ? "oldest" : "younger");
              kernel::kfree(freed);
            }),
            "object-leak oldest");
}

TEST(SlabReportDeathTest, LeakTellsTheOperationAndTheCount) {
  TestRun run;
  run.print = true;
  run.threads = {[] {
    kernel::kmalloc(8, Gfp::kKernel, "thing");
    kernel::kmalloc(8, Gfp::kKernel, "other");
  }};
  EXPECT_DEATH(run(),
               "ERROR: object-leak: thing was never freed\n"
               "  allocated by operation 1\n"
               "  objects leaked in all: 2\n");
}

TEST(Slab, FreeOfNullIsNothing) {
  EXPECT_EQ(run_alone([] {
              kernel::kfree(nullptr);
              EXPECT_EQ(kernel::slab_live_objects(), 0u);
            }),
            "nothing");
}

TEST(Slab, MemoryOfKvmallocIsNotForKfree) {
  EXPECT_EQ(run_alone([] {
              kernel::kvfree(kernel::kvmalloc(8, "thing"));
              kernel::kvfree(kernel::kmalloc(8, Gfp::kKernel, "thing"));
              kernel::kvfree(nullptr);
              int* none;
              EXPECT_TRUE(kernel::kvmalloc_array(none, 0, "things"));
              EXPECT_EQ(none, nullptr);
              EXPECT_FALSE(kernel::kvmalloc_array(none, SIZE_MAX, "things"));
            }),
            "nothing");
  EXPECT_EQ(run_alone([] { kernel::kfree(kernel::kvmalloc(8, "thing")); }), "double-free thing");
  EXPECT_EQ(run_alone([] { kernel::kvmalloc(8, "thing"); }), "object-leak thing");
}

TEST(Slab, WhatIsFreedTwiceIsReportedByItsType) {
  EXPECT_EQ(run_alone([] {
              void* other = kernel::kmalloc(8, Gfp::kKernel, "other");
              void* thing = kernel::kmalloc(8, Gfp::kKernel, "thing");
              kernel::kfree(thing);
              kernel::kfree(other);
              kernel::kfree(thing);
            }),
            "double-free thing");
}

TEST(Slab, WhatWasNeverAllocatedCannotBeFreed) {
  EXPECT_EQ(run_alone([] {
              static char somewhere[8];
              kernel::kfree(somewhere);
            }),
            "double-free unknown object");
}

TEST(Slab, MemoryThatIsUsedAgainMayBeFreedAgain) {
  EXPECT_EQ(run_alone([] {
              for (int i = 0; i < 1000; ++i)
                kernel::kfree(kernel::kmalloc(8, Gfp::kKernel, "thing"));
            }),
            "nothing");
}

TEST(SlabReportDeathTest, DoubleFreeTellsWhoWasFirst) {
  TestRun run;
  run.print = true;
  run.threads = {[] {
    void* thing = kernel::kmalloc(8, Gfp::kKernel, "thing");
    kernel::kfree(thing);
    kernel::kfree(thing);
  }};
  EXPECT_DEATH(run(),
               "ERROR: double-free: thing is freed, and was freed before\n"
               "  first by operation 1\n");
}

TEST(Slab, CountsWhatIsLiveOverGrowthAndFreesInAnyOrder) {
  EXPECT_EQ(run_alone([] {
              constexpr size_t kObjects = 5000;  // the table starts smaller and grows several times
              static void* objects[kObjects];
              for (size_t i = 0; i < kObjects; ++i) {
                objects[i] = kernel::kmalloc(1 + i % 64, Gfp::kKernel, "thing");
                EXPECT_EQ(kernel::slab_live_objects(), i + 1);
              }
              // 1999 has no divisor in common with 5000: each object once, in scattered order.
              for (size_t i = 0; i < kObjects; ++i) {
                kernel::kfree(objects[i * 1999 % kObjects]);
                EXPECT_EQ(kernel::slab_live_objects(), kObjects - 1 - i);
              }
            }),
            "nothing");
}

TEST(Slab, OneOfManyLeftIsFound) {
  EXPECT_EQ(run_alone([] {
              static void* objects[3000];
              for (void*& object : objects)
                object =
                    kernel::kmalloc(8, Gfp::kKernel, &object == &objects[1234] ? "lost" : "thing");
              for (void*& object : objects)
                if (&object != &objects[1234]) kernel::kfree(object);
              EXPECT_EQ(kernel::slab_live_objects(), 1u);
            }),
            "object-leak lost");
}

TEST(Slab, ZeroedMemoryIsZero) {
  struct Thing {
    int a;
    int b = 5;
    char text[40];
  };
  EXPECT_EQ(run_alone([] {
              char* bytes = static_cast<char*>(kernel::kzalloc(100, Gfp::kKernel, "bytes"));
              for (int i = 0; i < 100; ++i) EXPECT_EQ(bytes[i], 0);
              kernel::kfree(bytes);
              Thing* thing = kernel::kzalloc_obj<Thing>("thing");
              EXPECT_EQ(thing->a, 0);
              EXPECT_EQ(thing->b, 5);
              EXPECT_EQ(thing->text[39], 0);
              kernel::kfree(thing);
            }),
            "nothing");
}

TEST(Slab, NthAllocationFailsAndNoOther) {
  EXPECT_EQ(run_alone([] {
              for (uint32_t n = 1; n <= 3; ++n) {
                kernel::task().fail_alloc = n;
                for (uint32_t i = 1; i <= 4; ++i) {
                  void* object = kernel::kmalloc(8, Gfp::kKernel, "thing");
                  EXPECT_EQ(object == nullptr, i == n);
                  kernel::kfree(object);
                }
              }
            }),
            "nothing");
}

TEST(Slab, FailureIsInjectedIntoOneTaskOnly) {
  TestRun run;
  run.threads = {[] {
                   kernel::task().fail_alloc = 1;
                   sched::point(sched::Point::kStep);
                   EXPECT_EQ(kernel::kzalloc_obj<int>("thing"), nullptr);
                 },
                 [] {
                   int* thing = kernel::kzalloc_obj<int>("thing");
                   EXPECT_NE(thing, nullptr);
                   kernel::kfree(thing);
                 }};
  run.preemptions = {{1, kernel::kT1}};
  EXPECT_EQ(run(), "nothing");
}

TEST(Slab, ArrayOfNothingIsNoErrorAndOneTooLargeIs) {
  EXPECT_EQ(run_alone([] {
              uint64_t* array;
              EXPECT_TRUE(kernel::kmalloc_array(array, 0, "array"));
              EXPECT_EQ(array, nullptr);
              EXPECT_FALSE(kernel::kmalloc_array(array, SIZE_MAX / 8 + 1, "array"));
              EXPECT_EQ(array, nullptr);
              EXPECT_TRUE(kernel::kmalloc_array(array, 10, "array"));
              array[9] = 1;
              kernel::kfree(array);
              kernel::task().fail_alloc = 1;
              EXPECT_FALSE(kernel::kmalloc_array(array, 10, "array"));
            }),
            "nothing");
}

TEST(Slab, AllocationThatMaySleepIsReportedInAtomicContext) {
  kernel::OnHeap<kernel::SpinLock> lock;
  kernel::spin_lock_init(lock, "lock");
  EXPECT_EQ(run_alone([&] {
              kernel::spin_lock(lock);
              kernel::kfree(kernel::kmalloc(8, Gfp::kAtomic, "thing"));
              kernel::spin_unlock(lock);
              kernel::kfree(kernel::kmalloc(8, Gfp::kKernel, "thing"));
            }),
            "nothing");
  EXPECT_EQ(run_alone([&] {
              kernel::spin_lock(lock);
              kernel::kmalloc(8, Gfp::kKernel, "thing");
            }),
            "sleep-in-atomic kmalloc");
}

TEST(Slab, ChecksOffLeaksAreNotReported) {
  kernel::ChecksOff off;
  EXPECT_EQ(run_alone([] { kernel::kmalloc(8, Gfp::kKernel, "thing"); }), "nothing");
}

}  // namespace
