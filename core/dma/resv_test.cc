// The cases of the kernel's own dma-buf-resv tests, under their names, and the rules of resv.h that
// these leave out.
#include "core/dma/resv.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "core/dma/fence_array.h"
#include "core/dma/resv_test_fixture.h"
#include "core/kernel/errno.h"
#include "core/kernel/task.h"
#include "core/kernel/workqueue.h"

namespace dma {
namespace {

using kernel::kMaxScheduleTimeout;
using kernel::kSecond;
using kernel::TestRun;

constexpr ResvUsage kKernel = ResvUsage::kKernel;
constexpr ResvUsage kWrite = ResvUsage::kWrite;
constexpr ResvUsage kRead = ResvUsage::kRead;
constexpr ResvUsage kBookkeep = ResvUsage::kBookkeep;

// --- the kernel's cases ---

// Each with one pending fence of each usage in turn.
std::string with_fence_in_resv(
    const std::function<void(Resv& obj, Fence& f, ResvUsage usage)>& body) {
  return with_resv([&](Resv& obj) {
    uint64_t seqno = 0;
    for (ResvUsage usage : kAllUsages) {
      Fence& f = fence_of(1, ++seqno);
      fence_enable_sw_signaling(f);
      add(obj, f, usage);
      body(obj, f, usage);
      fence_signal(f);
      put_mock(f);
    }
  });
}

TEST(DmaBufResv, sanitycheck) {
  EXPECT_EQ(with_resv([](Resv& obj) {
              EXPECT_EQ(resv_lock(obj, nullptr), 0);
              resv_unlock(obj);
            }),
            "nothing");
}

TEST(DmaBufResv, signaling) {
  EXPECT_EQ(with_fence_in_resv([](Resv& obj, Fence& f, ResvUsage usage) {
              EXPECT_FALSE(resv_test_signaled(obj, usage));
              fence_signal(f);
              EXPECT_TRUE(resv_test_signaled(obj, usage));
            }),
            "nothing");
}

TEST(DmaBufResv, for_each) {
  EXPECT_EQ(with_fence_in_resv([](Resv& obj, Fence& f, ResvUsage usage) {
              EXPECT_EQ(entries(obj, usage), (Entries{{&f, usage}}));
            }),
            "nothing");
}

TEST(DmaBufResv, for_each_unlocked) {
  EXPECT_EQ(with_fence_in_resv([](Resv& obj, Fence& f, ResvUsage usage) {
              int seen = 0;
              ResvIter cursor;
              Fence* fence;
              resv_iter_begin(cursor, obj, usage);
              resv_for_each_fence_unlocked(cursor, fence) {
                EXPECT_TRUE(cursor.is_restarted);
                EXPECT_EQ(fence, &f);
                EXPECT_EQ(cursor.fence_usage, usage);
                ++seen;
              }
              resv_iter_end(cursor);
              EXPECT_EQ(seen, 1);
            }),
            "nothing");
}

TEST(DmaBufResv, get_fences) {
  EXPECT_EQ(with_fence_in_resv([](Resv& obj, Fence& f, ResvUsage usage) {
              unsigned count;
              Fence** fences;
              EXPECT_EQ(resv_get_fences(obj, usage, &count, &fences, kTest), 0);
              ASSERT_EQ(count, 1u);
              EXPECT_EQ(fences[0], &f);
              fence_put(fences[0], kTest);
              kernel::kfree(fences);
            }),
            "nothing");
}

// --- usage ---

TEST(Resv, UsageAskedForMeansAllWithASmallerOrEqualNumber) {
  EXPECT_EQ(with_resv([](Resv& obj) {
              Entries all;
              for (ResvUsage usage : {kBookkeep, kKernel, kRead, kWrite}) {
                const uint64_t context = 1 + static_cast<uint64_t>(usage);
                all.push_back({&add_new(obj, context, 1, usage), usage});
              }
              EXPECT_EQ(entries(obj, kKernel), (Entries{all[1]}));
              EXPECT_EQ(entries(obj, kWrite), (Entries{all[1], all[3]}));
              EXPECT_EQ(entries(obj, kRead), (Entries{all[1], all[2], all[3]}));
              EXPECT_EQ(entries(obj, kBookkeep), all);
            }),
            "nothing");
}

TEST(Resv, WeakerUsageDoesNotKeepItBusy) {
  for (ResvUsage of_fence : kAllUsages)
    EXPECT_EQ(with_resv([&](Resv& obj) {
                add_new(obj, 1, 1, of_fence);
                for (ResvUsage asked : kAllUsages) {
                  const bool idle = of_fence > asked;
                  EXPECT_EQ(resv_test_signaled(obj, asked), idle);
                  EXPECT_EQ(resv_wait_timeout(obj, asked, false, 0), idle);
                }
              }),
              "nothing");
}

// --- adding ---

// What becomes of a pending fence of context 1 in a READ slot when another one is added.
struct AddCase {
  const char* name;
  uint64_t context, seqno;
  ResvUsage usage;
  bool replaces;
};

TEST(Resv, LaterFenceOfTheContextReplacesUnlessItsUsageIsWeaker) {
  const AddCase cases[] = {
      {"later, same usage", 1, 6, kRead, true},
      {"later, stronger usage", 1, 6, kKernel, true},
      {"later, weaker usage", 1, 6, kBookkeep, false},
      {"earlier", 1, 4, kRead, false},
      {"another with the same seqno", 1, 5, kRead, false},
      {"of another context", 2, 6, kRead, false},
  };
  for (const AddCase& c : cases)
    EXPECT_EQ(with_resv([&](Resv& obj) {
                Fence& old = add_new(obj, 1, 5, kRead);
                Fence& added = add_new(obj, c.context, c.seqno, c.usage);
                const Entry is{&added, c.usage};
                EXPECT_EQ(entries(obj), c.replaces ? (Entries{is}) : (Entries{{&old, kRead}, is}));
              }),
              "nothing")
        << c.name;
}

TEST(Resv, SameFenceAgainTakesItsOwnSlotAndTheStrongerUsage) {
  EXPECT_EQ(with_resv([](Resv& obj) {
              Fence& f = fence_of(1);
              EXPECT_EQ(resv_lock(obj, nullptr), 0);
              EXPECT_EQ(resv_reserve_fences(obj, 2), 0);
              resv_add_fence(obj, f, kRead);
              resv_add_fence(obj, f, kWrite);
              EXPECT_EQ(obj.reserved, 1u);
              resv_unlock(obj);
              EXPECT_EQ(entries(obj), (Entries{{&f, kWrite}}));
              EXPECT_FALSE(resv_test_signaled(obj, kWrite));
              put_mock(f);
            }),
            "nothing");
}

TEST(Resv, SlotOfASignaledFenceIsUsedAgain) {
  EXPECT_EQ(with_resv([](Resv& obj) {
              Fence& first = add_new(obj, 1, 1, kKernel);
              Fence& second = add_new(obj, 2, 1, kKernel);
              fence_signal(first);
              Fence& third = add_new(obj, 3, 1, kBookkeep);
              EXPECT_EQ(entries(obj), (Entries{{&third, kBookkeep}, {&second, kKernel}}));
            }),
            "nothing");
}

TEST(Resv, EachSlotHoldsAReferenceInTheNameOfItsOwner) {
  kernel::OnHeap<Resv> obj;
  EXPECT_EQ(kernel::run_alone([&] {
              kernel::Kref owner;
              kernel::kref_init(owner, "owner", kTest);
              resv_init(obj, owner.object);
              Fence& f = fence_of(1);
              add(obj, f, kRead);
              add(obj, f, kBookkeep);
              EXPECT_EQ(kernel::kref_read(f.refcount), 3);
              for (int i = 0; i < 2; ++i) fence_put(&f, {kResvFences, owner.object});
              EXPECT_EQ(kernel::kref_read(f.refcount), 1);
              for (int i = 0; i < 2; ++i) fence_get(&f, {kResvFences, owner.object});
              resv_fini(obj);
              EXPECT_EQ(kernel::kref_read(f.refcount), 1);
              put_mock(f);
              kernel::kref_put(owner, kTest, [](kernel::Kref&) {});
            }),
            "nothing");
}

TEST(Resv, ReservationThatIsNeverEndedIsALeakOfItsFences) {
  EXPECT_EQ(kernel::run_alone([] {
              Resv obj;
              resv_init(obj, 0);
              add_new(obj, 1, 1, kRead);
            }),
            "reference-leak fence held by resv.fences");
}

TEST(Resv, ContainersAreNotToBeAdded) {
  EXPECT_EQ(with_resv([](Resv& obj) { add(obj, mock_array({&fence_of(1)}), kRead); }),
            "warn-on resv_add_fence");
}

// --- reserving ---

TEST(Resv, RoomThatIsThereNeedsNoMemory) {
  EXPECT_EQ(with_resv([](Resv& obj) {
              EXPECT_EQ(resv_lock(obj, nullptr), 0);
              EXPECT_EQ(resv_reserve_fences(obj, 1), 0);
              kernel::task().fail_alloc = 1;
              EXPECT_EQ(resv_reserve_fences(obj, 4), 0);
              EXPECT_EQ(resv_reserve_fences(obj, 5), -ENOMEM);
              EXPECT_EQ(resv_reserve_fences(obj, 5), 0);
              EXPECT_EQ(obj.reserved, 5u);
              resv_unlock(obj);
            }),
            "nothing");
}

TEST(Resv, GrownListKeepsThePendingFencesInOrderAndDropsTheSignaled) {
  EXPECT_EQ(with_resv([](Resv& obj) {
              Entries left;
              for (uint64_t context = 1; context <= 4; ++context) {
                Fence& f = add_new(obj, context, 1, kRead);
                if (context % 2 == 0) left.push_back({&f, kRead});
              }
              std::vector<Fence*> signaled;
              for (const Entry& entry : entries(obj))
                if (entry.fence->context % 2 != 0)
                  signaled.push_back(fence_get(const_cast<Fence*>(entry.fence), kTest));
              for (Fence* f : signaled) fence_signal(*f);
              EXPECT_EQ(resv_lock(obj, nullptr), 0);
              EXPECT_EQ(resv_reserve_fences(obj, 1), 0);
              resv_unlock(obj);
              EXPECT_EQ(entries(obj), left);
              for (Fence* f : signaled) {
                EXPECT_EQ(kernel::kref_read(f->refcount), 1);
                fence_put(f, kTest);
              }
            }),
            "nothing");
}

TEST(Resv, ManyFencesFit) {
  for (unsigned at_once : {1u, 3u, 7u, 63u})
    EXPECT_EQ(with_resv([&](Resv& obj) {
                Entries all;
                for (uint64_t context = 1; context <= 64;) {
                  const unsigned count = context == 1 ? 1 : at_once;
                  EXPECT_EQ(resv_lock(obj, nullptr), 0);
                  EXPECT_EQ(resv_reserve_fences(obj, count), 0);
                  for (unsigned i = 0; i < count && context <= 64; ++i) {
                    Fence& f = fence_of(context++);
                    resv_add_fence(obj, f, kWrite);
                    put_mock(f);
                    all.push_back({&f, kWrite});
                  }
                  resv_unlock(obj);
                }
                EXPECT_EQ(entries(obj), all);
              }),
              "nothing");
}

TEST(Resv, FailedReservationLeavesAllAsItWas) {
  EXPECT_EQ(with_resv([](Resv& obj) {
              for (uint64_t context = 1; context <= 4; ++context) add_new(obj, context, 1, kRead);
              const Entries before = entries(obj);
              EXPECT_EQ(resv_lock(obj, nullptr), 0);
              kernel::task().fail_alloc = 1;
              EXPECT_EQ(resv_reserve_fences(obj, 1), -ENOMEM);
              EXPECT_EQ(obj.reserved, 0u);
              resv_unlock(obj);
              EXPECT_EQ(entries(obj), before);
            }),
            "nothing");
}

TEST(Resv, ReservingNothingIsRefusedWithAWarning) {
  const auto body = [](Resv& obj) {
    EXPECT_EQ(resv_lock(obj, nullptr), 0);
    EXPECT_EQ(resv_reserve_fences(obj, 0), -EINVAL);
    resv_unlock(obj);
  };
  EXPECT_EQ(with_resv(body), "warn-on resv_reserve_fences");
  kernel::ChecksOff off;
  EXPECT_EQ(with_resv(body), "nothing");
}

// Adds `count` fences of different contexts, in one section.
void add_in_section(Resv& obj, unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    Fence& f = fence_of(10 + i);
    resv_add_fence(obj, f, kRead);
    put_mock(f);
  }
}

TEST(Resv, AddingWithoutAReservedSlotIsReportedAndAddsNothing) {
  const char* const kFound = "warn-on resv_add_fence";
  const std::function<void(Resv & obj)> faulty[] = {
      [](Resv& obj) { add_in_section(obj, 1); },
      [](Resv& obj) {
        EXPECT_EQ(resv_reserve_fences(obj, 2), 0);
        add_in_section(obj, 3);
      },
      [](Resv& obj) {  // not added up
        EXPECT_EQ(resv_reserve_fences(obj, 1), 0);
        EXPECT_EQ(resv_reserve_fences(obj, 1), 0);
        add_in_section(obj, 2);
      },
      [](Resv& obj) {  // given back
        EXPECT_EQ(resv_reserve_fences(obj, 2), 0);
        resv_unlock(obj);
        EXPECT_EQ(resv_lock(obj, nullptr), 0);
        add_in_section(obj, 1);
      },
  };
  for (const auto& body : faulty) {
    const auto section = [&](Resv& obj) {
      EXPECT_EQ(resv_lock(obj, nullptr), 0);
      body(obj);
      resv_unlock(obj);
    };
    EXPECT_EQ(with_resv(section), kFound);
    kernel::ChecksOff off;
    EXPECT_EQ(with_resv(section), "nothing");
  }
}

TEST(Resv, LargestReservationOfASectionCounts) {
  EXPECT_EQ(with_resv([](Resv& obj) {
              EXPECT_EQ(resv_lock(obj, nullptr), 0);
              EXPECT_EQ(resv_reserve_fences(obj, 3), 0);
              EXPECT_EQ(resv_reserve_fences(obj, 1), 0);
              add_in_section(obj, 2);
              EXPECT_EQ(resv_reserve_fences(obj, 2), 0);
              EXPECT_EQ(obj.reserved, 2u);
              Fence& f = fence_of(10, 2);
              resv_add_fence(obj, f, kRead);  // takes the place of its predecessor
              put_mock(f);
              EXPECT_EQ(obj.reserved, 2u);
              resv_unlock(obj);
            }),
            "nothing");
}

// --- replacing ---

TEST(Resv, EveryFenceOfTheContextGivesWay) {
  EXPECT_EQ(with_resv([](Resv& obj) {
              add_new(obj, 1, 5, kRead);
              Fence& other = add_new(obj, 2, 1, kRead);
              add_new(obj, 1, 6, kBookkeep);
              Fence& replacement = fence_of(1, 7);
              EXPECT_EQ(resv_lock(obj, nullptr), 0);
              resv_replace_fences(obj, 1, replacement, kWrite);
              resv_unlock(obj);
              EXPECT_EQ(entries(obj),
                        (Entries{{&replacement, kWrite}, {&other, kRead}, {&replacement, kWrite}}));
              EXPECT_EQ(kernel::kref_read(replacement.refcount), 3);
              put_mock(replacement);
            }),
            "nothing");
}

TEST(Resv, NothingIsReplacedWhereTheContextIsAbsent) {
  EXPECT_EQ(with_resv([](Resv& obj) {
              Fence& replacement = fence_of(1);
              EXPECT_EQ(resv_lock(obj, nullptr), 0);
              resv_replace_fences(obj, 1, replacement, kWrite);
              resv_unlock(obj);
              Fence& other = add_new(obj, 2, 1, kRead);
              EXPECT_EQ(resv_lock(obj, nullptr), 0);
              resv_replace_fences(obj, 1, replacement, kWrite);
              resv_unlock(obj);
              EXPECT_EQ(entries(obj), (Entries{{&other, kRead}}));
              put_mock(replacement);
            }),
            "nothing");
}

// --- the lock ---

TEST(Resv, ChangesAndLockedWalksNeedTheLock) {
  const std::function<void(Resv & obj, Fence & f)> faulty[] = {
      [](Resv& obj, Fence&) { resv_reserve_fences(obj, 1); },
      [](Resv& obj, Fence& f) { resv_add_fence(obj, f, kRead); },
      [](Resv& obj, Fence& f) { resv_replace_fences(obj, 1, f, kRead); },
      [](Resv& obj, Fence&) { resv_copy_fences(obj, obj); },
      [](Resv& obj, Fence&) {
        ResvIter cursor;
        resv_iter_first(cursor, obj, kRead);
      },
  };
  for (const auto& body : faulty)
    EXPECT_EQ(with_resv([&](Resv& obj) { body(obj, fence_of(1)); }),
              "warn-on reservation_ww_class_mutex");
}

TEST(Resv, UnlockByWhoDoesNotHoldItIsReported) {
  EXPECT_EQ(with_resv([](Resv& obj) { resv_unlock(obj); }),
            "unlock-not-owner reservation_ww_class_mutex");
}

TEST(Resv, LockWithATicket) {
  EXPECT_EQ(with_resv([](Resv& obj) {
              kernel::WwAcquireCtx ticket;
              kernel::ww_acquire_init(ticket, reservation_ww_class);
              EXPECT_FALSE(resv_is_locked(obj));
              EXPECT_EQ(resv_lock(obj, &ticket), 0);
              EXPECT_TRUE(resv_is_locked(obj));
              EXPECT_EQ(resv_lock(obj, &ticket), -EALREADY);
              EXPECT_EQ(resv_lock_interruptible(obj, &ticket), -EALREADY);
              EXPECT_FALSE(resv_trylock(obj));
              resv_unlock(obj);
              EXPECT_EQ(resv_lock_interruptible(obj, &ticket), 0);
              resv_unlock(obj);
              kernel::ww_acquire_fini(ticket);
              EXPECT_TRUE(resv_trylock(obj));
              resv_unlock(obj);
            }),
            "nothing");
}

TEST(Resv, TicketsCountFromOneInEachRun) {
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(kernel::run_alone([] {
                resv_reset();
                kernel::WwAcquireCtx ticket;
                kernel::ww_acquire_init(ticket, reservation_ww_class);
                EXPECT_EQ(ticket.stamp, 1u);
                kernel::ww_acquire_fini(ticket);
              }),
              "nothing");
}

}  // namespace
}  // namespace dma
