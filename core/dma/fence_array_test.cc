#include "core/dma/fence_array.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <string>
#include <vector>

#include "core/dma/mock_fence_test_fixture.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"

namespace dma {
namespace {

using kernel::kT0;
using kernel::kT1;
using kernel::kT2;
using kernel::run_alone;
using kernel::TestRun;

constexpr sched::Target kIrq = sched::Target::kIrq;

// Runs `body` on one thread with an array and its `count` members, each of a context of its own.
struct ArrayOptions {
  size_t count = 3;
  bool signal_on_any = false;
};
std::string with_array(ArrayOptions options,
                       const std::function<void(Fence& array, std::vector<Fence*>& f)>& body) {
  return run_alone([&] {
    std::vector<Fence*> members;
    Fence** fences;
    EXPECT_TRUE(kernel::kmalloc_array(fences, options.count, "members"));
    for (size_t i = 0; i < options.count; ++i) {
      members.push_back(&mock_fence(kMockOps, 1, i + 1));
      fences[i] = fence_get(members[i], kMockCreator);
    }
    Fence& array = fence_array_create(static_cast<unsigned>(options.count), fences, 100, 1,
                                      options.signal_on_any, kMockCreator)
                       ->base;
    body(array, members);
    for (Fence* member : members) put_mock(*member);
    put_mock(array);
  });
}

// --- complete when all are, or one ---

TEST(FenceArray, OfAllIsCompleteWithItsLastMember) {
  for (const bool enabled : {false, true})
    EXPECT_EQ(with_array({},
                         [&](Fence& array, std::vector<Fence*>& f) {
                           if (enabled) fence_enable_sw_signaling(array);
                           for (const int i : {1, 2, 0}) {
                             EXPECT_FALSE(fence_is_signaled(array));
                             fence_signal(*f[i]);
                           }
                           // Whoever enabled it is told, whoever did not has to ask.
                           EXPECT_EQ(fence_test_signaled_flag(array), enabled);
                           EXPECT_TRUE(fence_is_signaled(array));
                           EXPECT_EQ(fence_get_status(array), 1);
                         }),
              "nothing");
}

TEST(FenceArray, OfAnyIsCompleteWithItsFirstMember) {
  for (const bool enabled : {false, true})
    EXPECT_EQ(with_array({.signal_on_any = true},
                         [&](Fence& array, std::vector<Fence*>& f) {
                           if (enabled) fence_enable_sw_signaling(array);
                           EXPECT_FALSE(fence_is_signaled(array));
                           fence_signal(*f[1]);
                           EXPECT_EQ(fence_test_signaled_flag(array), enabled);
                           EXPECT_TRUE(fence_is_signaled(array));
                           fence_signal(*f[0]);
                           fence_signal(*f[2]);
                           EXPECT_EQ(fence_get_status(array), 1);
                         }),
              "nothing");
}

TEST(FenceArray, EnablingCountsMembersThatAreCompleteAlready) {
  EXPECT_EQ(with_array({},
                       [](Fence& array, std::vector<Fence*>& f) {
                         fence_signal(*f[0]);
                         fence_signal(*f[2]);
                         CountingCb cb;
                         EXPECT_EQ(add_counting(array, cb), 0);
                         fence_signal(*f[1]);
                         EXPECT_EQ(times_run(array, cb), 1);
                       }),
            "nothing");
}

TEST(FenceArray, EnablingOneThatIsCompleteSignalsIt) {
  for (const bool any : {false, true})
    EXPECT_EQ(with_array({.signal_on_any = any},
                         [&](Fence& array, std::vector<Fence*>& f) {
                           for (Fence* member : f)
                             if (!any || member == f[1]) fence_signal(*member);
                           CountingCb cb;
                           EXPECT_EQ(add_counting(array, cb), -ENOENT);
                           EXPECT_TRUE(fence_test_signaled_flag(array));
                           EXPECT_EQ(fence_get_status(array), 1);
                           // Members before the complete one have a callback by now.
                           fence_signal(*f[0]);
                         }),
              "nothing");
}

// The end comes after the members' locks are released: an array's callbacks may do with its members
// what they like.
TEST(FenceArray, IsNotCompletedUnderAMembersLock) {
  struct LastCb {
    FenceCb cb;
    Fence* member;
  };
  EXPECT_EQ(with_array({.count = 1},
                       [](Fence& array, std::vector<Fence*>& f) {
                         LastCb last{{}, f[0]};
                         EXPECT_EQ(
                             fence_add_callback(array, last.cb,
                                                [](Fence&, FenceCb& cb) {
                                                  LastCb& self = *container_of(&cb, LastCb, cb);
                                                  EXPECT_TRUE(kernel::in_irq());
                                                  EXPECT_EQ(fence_get_status(*self.member), 1);
                                                  self.member = nullptr;
                                                }),
                             0);
                         fence_signal(*f[0]);
                         EXPECT_EQ(fence_get_status(array), 1);
                         EXPECT_EQ(last.member, nullptr);
                       }),
            "nothing");
}

TEST(FenceArray, CanBeEnabledByACallbackOfItsMember) {
  struct AddCb {
    FenceCb cb;
    Fence* array;
    CountingCb counting;
  };
  EXPECT_EQ(with_array({.count = 1},
                       [](Fence& array, std::vector<Fence*>& f) {
                         AddCb adder{{}, &array, {}};
                         fence_add_callback(*f[0], adder.cb, [](Fence&, FenceCb& cb) {
                           AddCb& self = *container_of(&cb, AddCb, cb);
                           EXPECT_EQ(add_counting(*self.array, self.counting), -ENOENT);
                         });
                         fence_set_error(*f[0], -EIO);
                         fence_signal(*f[0]);
                         EXPECT_EQ(fence_get_status(array), -EIO);
                       }),
            "nothing");
}

// --- errors ---

TEST(FenceArrayError, TheFirstOneWins) {
  EXPECT_EQ(with_array({},
                       [](Fence& array, std::vector<Fence*>& f) {
                         fence_enable_sw_signaling(array);
                         fence_signal(*f[1]);
                         fence_set_error(*f[2], -EIO);
                         fence_signal(*f[2]);
                         EXPECT_EQ(fence_get_status(array), 0);
                         fence_set_error(*f[0], -ENODEV);
                         fence_signal(*f[0]);
                         EXPECT_EQ(fence_get_status(array), -EIO);
                       }),
            "nothing");
}

TEST(FenceArrayError, OfAMemberThatWasCompleteBeforeCounts) {
  EXPECT_EQ(with_array({},
                       [](Fence& array, std::vector<Fence*>& f) {
                         fence_set_error(*f[1], -EIO);
                         fence_signal(*f[1]);
                         fence_enable_sw_signaling(array);
                         fence_set_error(*f[0], -ENODEV);
                         fence_signal(*f[0]);
                         fence_signal(*f[2]);
                         EXPECT_EQ(fence_get_status(array), -EIO);
                       }),
            "nothing");
}

TEST(FenceArrayError, AfterTheFirstMemberDoesNotReachAnArrayOfAny) {
  EXPECT_EQ(with_array({.signal_on_any = true},
                       [](Fence& array, std::vector<Fence*>& f) {
                         fence_enable_sw_signaling(array);
                         fence_signal(*f[1]);
                         fence_set_error(*f[0], -EIO);
                         fence_signal(*f[0]);
                         EXPECT_EQ(fence_get_status(array), 1);
                         fence_signal(*f[2]);  // its callback holds the array
                       }),
            "nothing");
}

TEST(FenceArrayError, IsNotSeenByPolling) {
  EXPECT_EQ(with_array({.count = 1},
                       [](Fence& array, std::vector<Fence*>& f) {
                         fence_set_error(*f[0], -EIO);
                         fence_signal(*f[0]);
                         EXPECT_EQ(fence_get_status(array), 1);
                       }),
            "nothing");
}

// --- members and references ---

TEST(FenceArray, HoldsItsMembersAndNothingElse) {
  EXPECT_EQ(run_alone([] {
              Fence& a = mock_fence();
              Fence& b = mock_fence();
              Fence& array = mock_array({&a, &b});
              EXPECT_EQ(kernel::kref_read(a.refcount), 1);
              EXPECT_EQ(kernel::kref_read(array.refcount), 1);
              put_mock(array);  // and with it all there is
            }),
            "nothing");
}

TEST(FenceArray, NobodyWantsIsForgottenUnlessItIsEnabled) {
  EXPECT_EQ(with_array({},
                       [](Fence& array, std::vector<Fence*>& f) {
                         fence_enable_sw_signaling(array);
                         fence_get(&array, kReader);
                         fence_put(&array, kReader);
                         // The callbacks hold it, one each.
                         EXPECT_EQ(kernel::kref_read(array.refcount), 4);
                         fence_signal(*f[0]);
                         EXPECT_EQ(kernel::kref_read(array.refcount), 3);
                         fence_signal(*f[1]);
                         fence_signal(*f[2]);
                         EXPECT_EQ(kernel::kref_read(array.refcount), 1);
                       }),
            "nothing");
}

TEST(FenceArray, LivesOnlyUntilItsMembersAreCompleteOnceNobodyHoldsIt) {
  EXPECT_EQ(run_alone([] {
              Fence& a = mock_fence();
              Fence& array = mock_array({fence_get(&a, kMockCreator)});
              fence_enable_sw_signaling(array);
              put_mock(array);
              fence_signal(a);
              put_mock(a);
            }),
            "nothing");
}

TEST(FenceArray, WhoseEnabledMembersAreNeverSignaledIsALeak) {
  EXPECT_EQ(run_alone([] {
              Fence& array = mock_array({&mock_fence()});
              fence_enable_sw_signaling(array);
              put_mock(array);
            }),
            "reference-leak fence held by array.fences");
}

TEST(FenceArray, WithoutMemoryTheCallerKeepsEverything) {
  EXPECT_EQ(run_alone([] {
              Fence* fences[] = {&mock_fence()};
              kernel::task().fail_alloc = 1;
              EXPECT_EQ(fence_array_create(1, fences, 1, 1, false, kMockCreator), nullptr);
              put_mock(*fences[0]);
            }),
            "nothing");
}

TEST(FenceArray, MustNotBeEmpty) {
  EXPECT_EQ(run_alone([] { mock_array({}); }), "warn-on fence_array_create");
  kernel::ChecksOff off;
  EXPECT_EQ(run_alone([] {
              Fence& array = mock_array({});
              EXPECT_EQ(fence_array_first(&array), nullptr);
              put_mock(array);
            }),
            "nothing");
}

TEST(FenceArray, MustNotContainContainers) {
  const auto nested = [] {
    Fence& array = mock_array({&mock_array({&mock_fence()})});
    fence_is_signaled(array);
    put_mock(array);
  };
  const auto chained = [] {
    Fence& array = mock_array({&mock_chain(nullptr, mock_fence())});
    fence_is_signaled(array);
    put_mock(array);
  };
  EXPECT_EQ(run_alone(nested), "warn-on fence_array_create");
  EXPECT_EQ(run_alone(chained), "warn-on fence_array_create");
  kernel::ChecksOff off;
  EXPECT_EQ(run_alone(nested), "nothing");
  EXPECT_EQ(run_alone(chained), "nothing");
}

// --- looking at it ---

TEST(FenceArray, IsKnownByItsKind) {
  EXPECT_EQ(with_array({},
                       [](Fence& array, std::vector<Fence*>& f) {
                         EXPECT_TRUE(fence_is_array(array));
                         EXPECT_FALSE(fence_is_chain(array));
                         EXPECT_TRUE(fence_is_container(array));
                         EXPECT_FALSE(fence_is_array(*f[0]));
                         EXPECT_EQ(&to_fence_array(&array)->base, &array);
                         EXPECT_EQ(to_fence_array(f[0]), nullptr);
                         EXPECT_EQ(to_fence_array(nullptr), nullptr);
                         kernel::rcu_read_lock();
                         EXPECT_STREQ(fence_driver_name(array), "dma_fence_array");
                         EXPECT_STREQ(fence_timeline_name(array), "unbound");
                         kernel::rcu_read_unlock();
                         for (Fence* member : f) fence_signal(*member);
                         fence_is_signaled(array);
                         EXPECT_TRUE(fence_is_array(array));  // it keeps its ops
                       }),
            "nothing");
}

TEST(FenceArray, YieldsItsMembersInOrder) {
  EXPECT_EQ(with_array({},
                       [](Fence& array, std::vector<Fence*>& f) {
                         std::vector<Fence*> seen;
                         Fence* fence;
                         unsigned index;
                         fence_array_for_each(fence, index, &array) seen.push_back(fence);
                         EXPECT_EQ(seen, f);
                         // Of a fence that is no array, itself; of none, none.
                         EXPECT_EQ(fence_array_first(f[0]), f[0]);
                         EXPECT_EQ(fence_array_next(f[0], 1), nullptr);
                         EXPECT_EQ(fence_array_first(nullptr), nullptr);
                         EXPECT_EQ(fence_array_next(nullptr, 1), nullptr);
                       }),
            "nothing");
}

TEST(FenceArray, MatchesAContextWithAllItsMembers) {
  EXPECT_EQ(run_alone([] {
              Fence& one = mock_array({&mock_fence(kMockOps, 1, 7), &mock_fence(kMockOps, 2, 7)});
              Fence& two = mock_array({&mock_fence(kMockOps, 1, 7), &mock_fence(kMockOps, 2, 8)});
              EXPECT_TRUE(fence_match_context(one, 7));
              EXPECT_FALSE(fence_match_context(one, one.context));
              EXPECT_FALSE(fence_match_context(two, 7));
              Fence& leaf = mock_fence(kMockOps, 1, 7);
              EXPECT_TRUE(fence_match_context(leaf, 7));
              EXPECT_FALSE(fence_match_context(leaf, 8));
              for (Fence* f : {&one, &two, &leaf}) put_mock(*f);
            }),
            "nothing");
}

TEST(FenceArray, HandsADeadlineToItsPendingMembers) {
  static int deadlines;
  static constexpr FenceOps kDeadlineOps = {
      mock_name, mock_name, nullptr, nullptr, nullptr, nullptr, [](Fence&, uint64_t deadline) {
        EXPECT_EQ(deadline, 55u);
        ++deadlines;
      }};
  deadlines = 0;
  EXPECT_EQ(run_alone([] {
              Fence& done = mock_fence(kDeadlineOps);
              fence_signal(done);
              Fence& array = mock_array({&mock_fence(kDeadlineOps), &done, &mock_fence()});
              fence_set_deadline(array, 55);
              put_mock(array);
            }),
            "nothing");
  EXPECT_EQ(deadlines, 1);
}

// --- races ---

// Two members, each signaled by a context of its own, and somebody who waits or polls. Ends with
// the array complete, its callback run once and its error the one that was set.
struct Race {
  bool signal_on_any = false;
  bool second_in_interrupt = false;
  TestRun::Body third = [] {};  // what t2 does, or with an interrupt t1

  static inline Fence* members[2];
  static inline Fence* array;
  static inline CountingCb cb;

  std::string operator()(std::initializer_list<sched::Target> targets, bool with_callback) {
    TestRun run;
    run.set_up = [&] {
      for (Fence*& member : members) member = &mock_fence();
      array =
          &mock_array({fence_get(members[0], kMockCreator), fence_get(members[1], kMockCreator)},
                      signal_on_any);
      cb.seen = 0;
      if (with_callback) EXPECT_EQ(add_counting(*array, cb), 0);
      fence_set_error(*members[1], -EIO);
    };
    const auto signal_second = [] { fence_signal(*members[1]); };
    run.threads = {[] { fence_signal(*members[0]); }};
    if (second_in_interrupt)
      run.irqs = {signal_second};
    else
      run.threads.push_back(signal_second);
    run.threads.push_back(third);
    run.tear_down = {[&] {
      EXPECT_TRUE(fence_is_signaled(*array));
      EXPECT_EQ(cb.seen, with_callback);
      if (with_callback && !signal_on_any) EXPECT_EQ(fence_get_status(*array), -EIO);
      EXPECT_NE(array->error, 1);
      for (Fence* member : members) put_mock(*member);
      put_mock(*array);
    }};
    return run.sweep(targets);
  }
};

TEST(FenceArrayRace, TwoMembersSignaledAtOnceCompleteItOnce) {
  for (const bool any : {false, true})
    EXPECT_EQ(Race{.signal_on_any = any}({kT1, kT0}, true), "nothing");
}

TEST(FenceArrayRace, AMemberSignaledFromAnInterrupt) {
  for (const bool any : {false, true}) {
    Race race{.signal_on_any = any, .second_in_interrupt = true};
    EXPECT_EQ(race({kIrq}, true), "nothing");
    EXPECT_EQ(race({kIrq}, false), "nothing");
  }
}

TEST(FenceArrayRace, PollingWhileMembersAreSignaled) {
  for (const bool any : {false, true}) {
    Race race{.signal_on_any = any, .third = [] { fence_is_signaled(*Race::array); }};
    EXPECT_EQ(race({kT2, kT0}, true), "nothing");
    EXPECT_EQ(race({kT2, kT1}, false), "nothing");
    EXPECT_EQ(race({kT1, kT2}, false), "nothing");
  }
}

TEST(FenceArrayRace, NoWakeUpIsLost) {
  for (const bool any : {false, true}) {
    Race race{.signal_on_any = any, .third = [] {
                EXPECT_EQ(fence_wait(*Race::array, false), 0);
                EXPECT_TRUE(fence_test_signaled_flag(*Race::array));
              }};
    EXPECT_EQ(race({kT2, kT0}, false), "nothing");
    EXPECT_EQ(race({kT2, kT1}, false), "nothing");
    EXPECT_EQ(race({kT1, kT2}, false), "nothing");
  }
}

// Enabling counts the member that is complete; whoever polls must not count it again.
TEST(FenceArrayRace, PollingWhileItIsEnabledCountsNoMemberTwice) {
  static Fence* members[2];
  static Fence* array;
  bool complete;
  TestRun run;
  run.set_up = [] {
    for (Fence*& member : members) member = &mock_fence();
    array = &mock_array({fence_get(members[0], kMockCreator), fence_get(members[1], kMockCreator)});
    fence_signal(*members[0]);
  };
  run.threads = {[&] { complete = fence_is_signaled(*array); },
                 [] { fence_enable_sw_signaling(*array); }};
  run.tear_down = {[] {
    fence_signal(*members[1]);
    EXPECT_TRUE(fence_test_signaled_flag(*array));
    for (Fence* member : members) put_mock(*member);
    put_mock(*array);
  }};
  EXPECT_EQ(run.sweep({kT1, kT0}, [&] { ASSERT_FALSE(complete); }), "nothing");
}

// Whether the callback brings the error or enabling finds the member complete.
TEST(FenceArrayRace, EnabledWhileAMemberFails) {
  static Fence* member;
  static Fence* array;
  int status;
  TestRun run;
  run.set_up = [] {
    member = &mock_fence();
    array = &mock_array({fence_get(member, kMockCreator)});
  };
  run.threads = {[] {
                   fence_set_error(*member, -EIO);
                   fence_signal(*member);
                 },
                 [&] {
                   EXPECT_EQ(fence_wait(*array, false), 0);
                   status = fence_get_status(*array);
                 }};
  run.tear_down = {[] {
    put_mock(*member);
    put_mock(*array);
  }};
  EXPECT_EQ(run.sweep({kT1, kT0}, [&] { ASSERT_EQ(status, -EIO); }), "nothing");
}

// The last reference goes while callbacks and the interrupt are under way.
TEST(FenceArrayRace, DroppedWhileItIsCompleted) {
  static Fence* member;
  static Fence* array;
  TestRun run;
  run.set_up = [] {
    member = &mock_fence();
    array = &mock_array({fence_get(member, kMockCreator)});
    fence_enable_sw_signaling(*array);
  };
  run.threads = {[] { fence_signal(*member); },
                 [] {
                   fence_is_signaled(*array);
                   put_mock(*array);
                 }};
  run.tear_down = {[] { put_mock(*member); }};
  EXPECT_EQ(run.sweep({kT1, kT0}), "nothing");
}

}  // namespace
}  // namespace dma
