// Reference counts: the last put releases, and every misuse of a count is reported.
#include "core/kernel/kref.h"

#include <gtest/gtest.h>

#include <atomic>

#include "core/kernel/slab.h"
#include "core/kernel/test_run.h"

namespace {

using kernel::Kref;
using kernel::kT0;
using kernel::kT1;
using kernel::run_alone;
using kernel::TestRun;

constexpr kernel::Holder kCreator{"creator"};
constexpr kernel::Holder kUser{"user"};
constexpr kernel::Holder kOther{"other"};

void nothing(Kref&) {}

struct Thing {
  Kref refcount;
  int payload;

  static void release(Kref& kref) { kernel::kfree(&kref); }  // refcount is the first member
};

Thing* new_thing() {
  Thing* thing = kernel::kzalloc_obj<Thing>("thing");
  kernel::kref_init(thing->refcount, "thing", kCreator);
  return thing;
}

TEST(Kref, LastPutReleasesAndNoOther) {
  EXPECT_EQ(run_alone([] {
              Thing* thing = new_thing();
              kernel::kref_get(thing->refcount, kUser);
              EXPECT_EQ(kernel::kref_read(thing->refcount), 2);
              EXPECT_FALSE(kernel::kref_put(thing->refcount, kCreator, Thing::release));
              EXPECT_EQ(kernel::kref_read(thing->refcount), 1);
              EXPECT_TRUE(kernel::kref_put(thing->refcount, kUser, Thing::release));
              EXPECT_EQ(kernel::slab_live_objects(), 0u);
            }),
            "nothing");
}

TEST(Kref, ReleaseRunsOnceAndAfterAllUsesAtEveryPreemption) {
  Thing* thing;
  std::atomic<int> releases;
  auto drop = [&](kernel::Holder holder) {
    releases += kernel::kref_put(thing->refcount, holder, Thing::release);
  };
  TestRun run;
  run.set_up = [&] {
    releases = 0;
    thing = new_thing();
    kernel::kref_get(thing->refcount, kUser);
  };
  run.threads = {[&] {
                   kernel::kref_get(thing->refcount, kOther);
                   drop(kCreator);
                   thing->payload = 1;
                   drop(kOther);
                 },
                 [&] { drop(kUser); }};
  EXPECT_EQ(run.sweep({kT1, kT0}, [&] { ASSERT_EQ(releases, 1); }), "nothing");
}

TEST(Kref, GetFromZeroIsReported) {
  Kref kref;
  EXPECT_EQ(run_alone([&] {
              kernel::kref_init(kref, "thing", kCreator);
              kernel::kref_put(kref, kCreator, nothing);
              kernel::kref_get(kref, kUser);
            }),
            "refcount-resurrect thing");
}

TEST(Kref, GetUnlessZeroTakesNothingFromZero) {
  Kref kref;
  EXPECT_EQ(run_alone([&] {
              kernel::kref_init(kref, "thing", kCreator);
              EXPECT_TRUE(kernel::kref_get_unless_zero(kref, kUser));
              EXPECT_EQ(kernel::kref_read(kref), 2);
              kernel::kref_put(kref, kCreator, nothing);
              kernel::kref_put(kref, kUser, nothing);
              EXPECT_FALSE(kernel::kref_get_unless_zero(kref, kUser));
              EXPECT_EQ(kernel::kref_read(kref), 0);
            }),
            "nothing");
}

TEST(Kref, GetUnlessZeroIsInTheLedger) {
  Kref kref;
  EXPECT_EQ(run_alone([&] {
              kernel::kref_init(kref, "thing", kCreator);
              EXPECT_TRUE(kernel::kref_get_unless_zero(kref, kUser));
              kernel::kref_put(kref, kCreator, nothing);
            }),
            "reference-leak thing held by user");
}

TEST(Kref, PutByAHolderOfNothingIsReportedEvenIfTheCountAllowsIt) {
  Kref kref;
  EXPECT_EQ(run_alone([&] {
              kernel::kref_init(kref, "thing", kCreator);
              kernel::kref_get(kref, kUser);
              kernel::kref_put(kref, kOther, nothing);
            }),
            "refcount-underflow thing dropped by other");
}

TEST(Kref, PutTwiceIsReported) {
  Kref kref;
  EXPECT_EQ(run_alone([&] {
              kernel::kref_init(kref, "thing", kCreator);
              kernel::kref_put(kref, kCreator, nothing);
              kernel::kref_put(kref, kCreator, nothing);
            }),
            "refcount-underflow thing dropped by creator");
}

TEST(Kref, MoveKeepsTheCountAndChangesTheHolder) {
  Kref kref;
  EXPECT_EQ(run_alone([&] {
              kernel::kref_init(kref, "thing", kCreator);
              kernel::kref_move(kref, kCreator, kUser);
              EXPECT_EQ(kernel::kref_read(kref), 1);
              EXPECT_TRUE(kernel::kref_put(kref, kUser, nothing));
            }),
            "nothing");
  EXPECT_EQ(run_alone([&] {
              kernel::kref_init(kref, "thing", kCreator);
              kernel::kref_move(kref, kCreator, kUser);
              kernel::kref_put(kref, kCreator, nothing);
            }),
            "refcount-underflow thing dropped by creator");
}

// Nobody but kref changes a count; if somebody does, the two books no longer agree.
TEST(Kref, CountBelowTheLedgerIsReported) {
  Kref kref;
  EXPECT_EQ(run_alone([&] {
              kernel::kref_init(kref, "thing", kCreator);
              kref.count = 0;
              kernel::kref_put(kref, kCreator, nothing);
            }),
            "refcount-underflow thing");
  EXPECT_EQ(run_alone([&] {
              kernel::kref_init(kref, "thing", kCreator);
              kernel::kref_get(kref, kUser);
              kref.count = 1;
              kernel::kref_put(kref, kUser, nothing);
            }),
            "refcount-underflow thing");
}

TEST(Kref, ChecksOffTheCountStillWorksAndMisuseIsNotReported) {
  kernel::ChecksOff off;
  Kref kref;
  EXPECT_EQ(run_alone([&] {
              kernel::kref_init(kref, "thing", kCreator);
              kernel::kref_get(kref, kUser);
              kernel::kref_move(kref, kOther, kUser);
              EXPECT_FALSE(kernel::kref_put(kref, kOther, nothing));
              EXPECT_TRUE(kernel::kref_put(kref, kOther, nothing));
              EXPECT_FALSE(kernel::kref_put(kref, kUser, nothing));
              EXPECT_EQ(kernel::kref_read(kref), -1);
              kernel::kref_get(kref, kUser);
            }),
            "nothing");
}

}  // namespace
