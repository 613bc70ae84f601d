// Atomic accesses: no update is lost between threads, and only the named bits change.
#include "core/kernel/atomic.h"

#include <gtest/gtest.h>

#include "core/kernel/test_run.h"

namespace {

using kernel::kT0;
using kernel::kT1;
using kernel::run_alone;
using kernel::TestRun;

TEST(Atomic, BitsAreSetTestedAndClearedOneByOne) {
  EXPECT_EQ(run_alone([] {
              unsigned long word = 0;
              kernel::set_bit(0, word);
              kernel::set_bit(63, word);
              EXPECT_EQ(word, 0x8000000000000001u);
              EXPECT_TRUE(kernel::test_bit(63, word));
              EXPECT_FALSE(kernel::test_bit(62, word));
              EXPECT_TRUE(kernel::test_and_set_bit(63, word));
              EXPECT_FALSE(kernel::test_and_set_bit(1, word));
              kernel::clear_bit(0, word);
              EXPECT_EQ(word, 0x8000000000000002u);
            }),
            "nothing");
}

TEST(Atomic, AddReturnsTheNewAndFetchAddTheOldValue) {
  EXPECT_EQ(run_alone([] {
              int count = 5;
              EXPECT_EQ(kernel::atomic_add_return(-2, count), 3);
              uint64_t sequence = ~uint64_t{0};
              EXPECT_EQ(kernel::atomic64_fetch_add(2, sequence), ~uint64_t{0});
              EXPECT_EQ(sequence, 1u);
            }),
            "nothing");
}

TEST(Atomic, OneThreadWinsTheBitAtEveryPreemption) {
  unsigned long word;
  int winners;
  TestRun run;
  run.set_up = [&] {
    word = 0;
    winners = 0;
  };
  for (int thread = 0; thread < 2; ++thread)
    run.threads.push_back([&] {
      if (!kernel::test_and_set_bit(3, word)) kernel::atomic_add_return(1, winners);
    });
  EXPECT_EQ(run.sweep({kT1, kT0}, [&] { ASSERT_EQ(winners, 1); }), "nothing");
}

TEST(Atomic, CmpxchgStoresOnlyWhereItFindsWhatItExpects) {
  int word = 1;
  EXPECT_EQ(kernel::run_alone([&] {
              EXPECT_EQ(kernel::cmpxchg(word, 2, 3), 1);
              EXPECT_EQ(word, 1);
              EXPECT_EQ(kernel::cmpxchg(word, 1, 3), 1);
              EXPECT_EQ(word, 3);
            }),
            "nothing");
}

TEST(Atomic, DecAndTestIsTrueForTheLastOneOnlyAtEveryPreemption) {
  int count, last;
  TestRun run;
  run.set_up = [&] {
    kernel::atomic_set(count, 2);
    last = 0;
  };
  int payload[2];
  for (int thread = 0; thread < 2; ++thread)
    run.threads.push_back([&, thread] {
      payload[thread] = 1;
      if (!kernel::atomic_dec_and_test(count)) return;
      EXPECT_EQ(kernel::atomic_read(count), 0);
      EXPECT_EQ(payload[1 - thread], 1);  // clean under TSan: fully ordered
      kernel::atomic_add_return(1, last);
    });
  EXPECT_EQ(run.sweep({kT1, kT0}, [&] { ASSERT_EQ(last, 1); }), "nothing");
}

// Clean under TSan: a successful cmpxchg is fully ordered.
TEST(Atomic, CmpxchgOfAPointerPublishesWhatItPointsToAndOneThreadWins) {
  int payload[2];
  int* published;
  int winners;
  TestRun run;
  run.set_up = [&] {
    published = nullptr;
    winners = 0;
  };
  for (int thread = 0; thread < 2; ++thread)
    run.threads.push_back([&, thread] {
      payload[thread] = thread;
      if (kernel::cmpxchg(published, nullptr, &payload[thread]) == nullptr)
        kernel::atomic_add_return(1, winners);
      const int* winner = kernel::load_acquire(published);
      EXPECT_EQ(*winner, winner - payload);
    });
  EXPECT_EQ(run.sweep({kT1, kT0}, [&] { ASSERT_EQ(winners, 1); }), "nothing");
}

// Clean under TSan: the release store orders the plain one before it.
TEST(Atomic, ReleasePublishesWhatWasWrittenBefore) {
  int payload;
  bool ready;
  TestRun run;
  run.set_up = [&] {
    payload = 0;
    ready = false;
  };
  run.threads = {[&] {
                   payload = 7;
                   kernel::store_release(ready, true);
                 },
                 [&] {
                   if (kernel::load_acquire(ready)) EXPECT_EQ(payload, 7);
                 }};
  EXPECT_EQ(run.sweep({kT1, kT0}), "nothing");
}

}  // namespace
