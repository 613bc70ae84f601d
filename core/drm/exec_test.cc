// The cases of the kernel's own drm_exec tests, under their names, and what these leave out:
// contention, above all.
#include "core/drm/exec.h"

#include "core/dma/mock_fence_test_fixture.h"
#include "core/drm/gem_test_fixture.h"

namespace drm {
namespace {

using kernel::kT0;
using kernel::kT1;
using kernel::run_alone;
using kernel::TestRun;

using Objects = std::vector<GemObject*>;

void sleep_until(uint64_t time) {
  kernel::set_current_state();
  kernel::schedule_timeout("time", time - sched::now());
}

// Runs `body` on one thread with `count` objects.
std::string with_objects(unsigned count, const std::function<void(const Objects& objects)>& body) {
  return run_alone([&] {
    Objects objects;
    for (unsigned i = 0; i < count; ++i) objects.push_back(&make_object());
    body(objects);
    for (GemObject* obj : objects) {
      EXPECT_FALSE(dma::resv_is_locked(*obj->resv));
      EXPECT_EQ(kernel::kref_read(obj->refcount), 1);
      put(*obj);
    }
  });
}

// What a driver does with several arrays of objects. Returns the error; counts the rounds.
int prepare_all(Exec& exec, const std::vector<Objects>& arrays, unsigned* rounds = nullptr) {
  int error = 0;
  drm_exec_until_all_locked(exec) {
    if (rounds != nullptr) ++*rounds;
    for (const Objects& array : arrays) {
      error = exec_prepare_array(exec, array.data(), static_cast<unsigned>(array.size()), 1);
      if (error != 0 || exec_is_contended(exec)) break;
    }
    drm_exec_retry_on_contention(exec);
    if (error != 0) break;
  }
  return error;
}

// --- the kernel's cases ---

TEST(DrmExec, sanitycheck) {
  EXPECT_EQ(with_objects(0,
                         [](const Objects&) {
                           Exec exec;
                           exec_init(exec, kExecInterruptibleWait);
                           exec_fini(exec);
                         }),
            "nothing");
}

TEST(DrmExec, test_lock) {
  EXPECT_EQ(with_objects(1,
                         [](const Objects& objects) {
                           Exec exec;
                           int error = -1;
                           exec_init(exec, kExecInterruptibleWait);
                           drm_exec_until_all_locked(exec) {
                             error = exec_lock_obj(exec, *objects[0]);
                             drm_exec_retry_on_contention(exec);
                             EXPECT_EQ(error, 0);
                             if (error != 0) break;
                           }
                           EXPECT_TRUE(dma::resv_is_locked(*objects[0]->resv));
                           exec_fini(exec);
                           EXPECT_EQ(error, 0);
                         }),
            "nothing");
}

TEST(DrmExec, test_lock_unlock) {
  EXPECT_EQ(with_objects(1,
                         [](const Objects& objects) {
                           Exec exec;
                           exec_init(exec, kExecInterruptibleWait);
                           drm_exec_until_all_locked(exec) {
                             EXPECT_EQ(exec_lock_obj(exec, *objects[0]), 0);
                             drm_exec_retry_on_contention(exec);
                             exec_unlock_obj(exec, *objects[0]);
                             EXPECT_FALSE(dma::resv_is_locked(*objects[0]->resv));
                             EXPECT_EQ(exec_lock_obj(exec, *objects[0]), 0);
                             drm_exec_retry_on_contention(exec);
                           }
                           EXPECT_TRUE(dma::resv_is_locked(*objects[0]->resv));
                           exec_fini(exec);
                         }),
            "nothing");
}

TEST(DrmExec, test_duplicates) {
  EXPECT_EQ(with_objects(1,
                         [](const Objects& objects) {
                           Exec exec;
                           exec_init(exec, kExecIgnoreDuplicates);
                           drm_exec_until_all_locked(exec) {
                             for (int i = 0; i < 2; ++i)
                               EXPECT_EQ(exec_lock_obj(exec, *objects[0]), 0);
                             drm_exec_retry_on_contention(exec);
                           }
                           exec_unlock_obj(exec, *objects[0]);
                           exec_fini(exec);
                         }),
            "nothing");
}

TEST(DrmExec, test_prepare) {
  EXPECT_EQ(with_objects(1,
                         [](const Objects& objects) {
                           Exec exec;
                           exec_init(exec, kExecInterruptibleWait);
                           drm_exec_until_all_locked(exec) {
                             EXPECT_EQ(exec_prepare_obj(exec, *objects[0], 1), 0);
                             drm_exec_retry_on_contention(exec);
                           }
                           EXPECT_EQ(objects[0]->resv->reserved, 1u);
                           exec_fini(exec);
                         }),
            "nothing");
}

TEST(DrmExec, test_prepare_array) {
  EXPECT_EQ(with_objects(2,
                         [](const Objects& objects) {
                           Exec exec;
                           exec_init(exec, kExecInterruptibleWait);
                           drm_exec_until_all_locked(exec)
                               EXPECT_EQ(exec_prepare_array(exec, objects.data(), 2, 1), 0);
                           for (GemObject* obj : objects) EXPECT_EQ(obj->resv->reserved, 1u);
                           exec_fini(exec);
                         }),
            "nothing");
}

TEST(DrmExec, test_multiple_loops) {
  EXPECT_EQ(with_objects(0,
                         [](const Objects&) {
                           for (int i = 0; i < 2; ++i) {
                             Exec exec;
                             exec_init(exec, kExecInterruptibleWait);
                             drm_exec_until_all_locked(exec) break;
                             exec_fini(exec);
                           }
                         }),
            "nothing");
}

// --- one thread ---

TEST(DrmExec, DuplicatesWithinAnArrayAndAcrossArraysAreErrorsUnlessIgnored) {
  for (uint32_t flags : {0u, kExecInterruptibleWait, kExecIgnoreDuplicates})
    EXPECT_EQ(with_objects(2,
                           [&](const Objects& o) {
                             const std::vector<std::vector<Objects>> with_duplicates = {
                                 {{o[0], o[0]}}, {{o[0], o[1], o[0]}}, {{o[0]}, {o[1], o[0]}}};
                             for (const auto& arrays : with_duplicates) {
                               Exec exec;
                               exec_init(exec, flags);
                               const bool ignored = flags == kExecIgnoreDuplicates;
                               EXPECT_EQ(prepare_all(exec, arrays), ignored ? 0 : -EALREADY);
                               EXPECT_TRUE(dma::resv_is_locked(*o[0]->resv));
                               exec_fini(exec);
                             }
                           }),
              "nothing");
}

TEST(DrmExec, ObjectsThatShareAReservationCountAsDuplicates) {
  for (uint32_t flags : {0u, kExecIgnoreDuplicates})
    EXPECT_EQ(with_objects(1,
                           [&](const Objects& o) {
                             GemObject& sharer = make_object(kPlainFuncs, o[0]->resv);
                             Exec exec;
                             exec_init(exec, flags);
                             EXPECT_EQ(prepare_all(exec, {{o[0], &sharer}}),
                                       flags != 0 ? 0 : -EALREADY);
                             EXPECT_EQ(exec.num_objects, 1u);
                             exec_fini(exec);
                             put(sharer);
                           }),
              "nothing");
}

TEST(DrmExec, ManyObjectsFitAndAnyOfThemCanBeUnlocked) {
  static constexpr unsigned kMany = 23;
  EXPECT_EQ(with_objects(kMany,
                         [](const Objects& objects) {
                           Exec exec;
                           exec_init(exec, 0);
                           EXPECT_EQ(prepare_all(exec, {objects}), 0);
                           EXPECT_EQ(exec.num_objects, kMany);
                           for (unsigned i : {11u, 0u, kMany - 1}) {
                             exec_unlock_obj(exec, *objects[i]);
                             EXPECT_FALSE(dma::resv_is_locked(*objects[i]->resv));
                             EXPECT_EQ(kernel::kref_read(objects[i]->refcount), 1);
                           }
                           EXPECT_EQ(exec.num_objects, kMany - 3);
                           for (unsigned i : {1u, 10u, 12u, kMany - 2})
                             EXPECT_TRUE(dma::resv_is_locked(*objects[i]->resv));
                           exec_unlock_obj(exec, *objects[0]);  // not among them: nothing happens
                           EXPECT_EQ(exec.num_objects, kMany - 3);
                           exec_fini(exec);
                         }),
            "nothing");
}

TEST(DrmExec, UnlockedObjectCanBeLockedAgainInTheMiddle) {
  EXPECT_EQ(with_objects(3,
                         [](const Objects& o) {
                           Exec exec;
                           exec_init(exec, 0);
                           drm_exec_until_all_locked(exec) {
                             EXPECT_EQ(exec_prepare_array(exec, o.data(), 3, 1), 0);
                             exec_unlock_obj(exec, *o[1]);
                             EXPECT_EQ(exec_lock_obj(exec, *o[1]), 0);
                           }
                           EXPECT_EQ(Objects(exec.objects, exec.objects + exec.num_objects),
                                     (Objects{o[0], o[2], o[1]}));
                           exec_fini(exec);
                         }),
            "nothing");
}

TEST(DrmExec, FailedAllocationEndsTheLoopAndHoldsNothingAfterwards) {
  EXPECT_EQ(with_objects(6,
                         [](const Objects& objects) {
                           const unsigned failures = fail_each_allocation_of([&] {
                             Exec exec;
                             exec_init(exec, 0);
                             const int error = prepare_all(exec, {objects});
                             exec_fini(exec);
                             return error;
                           });
                           EXPECT_GE(failures, 4u);  // what has room keeps it
                         }),
            "nothing");
}

TEST(DrmExec, ObjectWhoseReservationFailsIsUnlocked) {
  EXPECT_EQ(with_objects(2,
                         [](const Objects& o) {
                           Exec exec;
                           exec_init(exec, 0);
                           drm_exec_until_all_locked(exec) {
                             EXPECT_EQ(exec_lock_obj(exec, *o[0]), 0);
                             kernel::task().fail_alloc = 1;
                             EXPECT_EQ(exec_prepare_obj(exec, *o[1], 1), -ENOMEM);
                             EXPECT_FALSE(dma::resv_is_locked(*o[1]->resv));
                             EXPECT_TRUE(dma::resv_is_locked(*o[0]->resv));
                           }
                           exec_fini(exec);
                         }),
            "nothing");
}

// --- contention ---

// Two objects and a thread t1 with the older ticket, which holds x from time 1 to time 5. A younger
// ticket that holds y backs off from x.
struct Contended {
  GemObject* x;
  GemObject* y;
  TestRun run;

  // Runs `younger` at time 2.
  std::string operator()(TestRun::Body younger) {
    run.set_up = [this] {
      x = &make_object();
      y = &make_object();
    };
    run.threads = {[younger] {
                     sleep_until(2);
                     younger();
                   },
                   [this] {
                     Exec exec;
                     exec_init(exec, 0);
                     drm_exec_until_all_locked(exec) {
                       sleep_until(1);
                       EXPECT_EQ(exec_lock_obj(exec, *x), 0);
                     }
                     sleep_until(5);
                     exec_fini(exec);
                   }};
    run.tear_down = {[this] {
      for (GemObject* obj : {x, y}) {
        EXPECT_EQ(kernel::kref_read(obj->refcount), 1);
        put(*obj);
      }
    }};
    return run();
  }
};

TEST(DrmExecContention, ContendedObjectIsLockedFirstInTheNextRound) {
  Contended c;
  EXPECT_EQ(c([&] {
              Exec exec;
              exec_init(exec, 0);
              unsigned rounds = 0;
              EXPECT_EQ(prepare_all(exec, {{c.y, c.x}}, &rounds), 0);
              EXPECT_EQ(rounds, 2u);
              EXPECT_EQ(sched::now(), 5u);
              EXPECT_EQ(Objects(exec.objects, exec.objects + exec.num_objects),
                        (Objects{c.x, c.y}));
              EXPECT_EQ(exec.prelocked, nullptr);
              for (GemObject* obj : {c.x, c.y}) EXPECT_EQ(obj->resv->reserved, 1u);
              exec_fini(exec);
            }),
            "nothing");
}

// The first array of a round is empty: it has to consume the contention of the round before.
TEST(DrmExecContention, EmptyArrayTakesTheContendedLock) {
  for (uint32_t flags : {0u, kExecInterruptibleWait}) {
    Contended c;
    EXPECT_EQ(c([&] {
                Exec exec;
                exec_init(exec, flags);
                unsigned rounds = 0;
                EXPECT_EQ(prepare_all(exec, {{}, {c.y, c.x}}, &rounds), 0);
                EXPECT_EQ(rounds, 2u);
                exec_fini(exec);
              }),
              "nothing");
  }
}

TEST(DrmExecContention, OnlyEmptyArraysAfterIt) {
  Contended c;
  EXPECT_EQ(c([&] {
              Exec exec;
              exec_init(exec, 0);
              unsigned rounds = 0;
              drm_exec_until_all_locked(exec) {
                if (++rounds == 1) exec_lock_obj(exec, *c.y);
                if (rounds == 1) EXPECT_EQ(exec_lock_obj(exec, *c.x), -EDEADLK);
                if (rounds == 2) EXPECT_EQ(exec_prepare_array(exec, nullptr, 0, 1), 0);
                drm_exec_retry_on_contention(exec);
              }
              EXPECT_EQ(rounds, 2u);
              EXPECT_EQ(exec.prelocked, c.x);
              exec_fini(exec);
            }),
            "nothing");
}

TEST(DrmExecContention, ContendedObjectThatIsNotAskedForAgainIsLetGo) {
  Contended c;
  EXPECT_EQ(c([&] {
              Exec exec;
              exec_init(exec, 0);
              unsigned rounds = 0;
              drm_exec_until_all_locked(exec) {
                EXPECT_EQ(exec_lock_obj(exec, *c.y), 0);
                if (++rounds == 1) EXPECT_EQ(exec_lock_obj(exec, *c.x), -EDEADLK);
                drm_exec_retry_on_contention(exec);
              }
              EXPECT_EQ(rounds, 2u);
              EXPECT_EQ(exec.num_objects, 2u);
              exec_fini(exec);
            }),
            "nothing");
}

TEST(DrmExecContention, ContendedObjectTwice) {
  for (uint32_t flags : {0u, kExecIgnoreDuplicates}) {
    Contended c;
    EXPECT_EQ(c([&] {
                Exec exec;
                exec_init(exec, flags);
                EXPECT_EQ(prepare_all(exec, {{c.y, c.x, c.x}}), flags != 0 ? 0 : -EALREADY);
                EXPECT_EQ(exec.num_objects, 2u);
                exec_fini(exec);
              }),
              "nothing");
  }
}

TEST(DrmExecContention, LoopThatIsLeftWhileContendedHoldsNothing) {
  Contended c;
  EXPECT_EQ(c([&] {
              Exec exec;
              exec_init(exec, 0);
              drm_exec_until_all_locked(exec) {
                EXPECT_EQ(exec_lock_obj(exec, *c.y), 0);
                EXPECT_EQ(exec_lock_obj(exec, *c.x), -EDEADLK);
                EXPECT_TRUE(exec_is_contended(exec));
                EXPECT_EQ(kernel::kref_read(c.x->refcount), 3);  // t1's, too
                break;
              }
              exec_fini(exec);
              EXPECT_EQ(kernel::kref_read(c.x->refcount), 2);
            }),
            "nothing");
}

TEST(DrmExecContention, FailedAllocationInAnyRoundHoldsNothingAfterwards) {
  unsigned failures = 0;
  for (uint32_t n = 1;; ++n) {
    bool failed = false;
    Contended c;
    EXPECT_EQ(c([&] {
                kernel::task().fail_alloc = n;
                Exec exec;
                exec_init(exec, 0);
                const int error = prepare_all(exec, {{}, {c.y, c.x}});
                failed = kernel::task().fail_alloc == 0;
                kernel::task().fail_alloc = 0;
                EXPECT_EQ(error, failed ? -ENOMEM : 0);
                exec_fini(exec);
              }),
              "nothing");
    if (!failed) break;
    ++failures;
  }
  EXPECT_EQ(failures, 3u);  // the array, two reservations
}

// What an empty array did before it took the contended lock.
TEST(DrmExecContention, RoundThatAsksForNothingGoesRoundForEver) {
  Contended c;
  const std::string found = c([&] {
    Exec exec;
    exec_init(exec, 0);
    unsigned rounds = 0;
    drm_exec_until_all_locked(exec) {
      if (++rounds == 1) exec_lock_obj(exec, *c.y);
      if (rounds == 1) EXPECT_EQ(exec_lock_obj(exec, *c.x), -EDEADLK);
      drm_exec_retry_on_contention(exec);
    }
  });
  EXPECT_EQ(found.substr(0, 8), "livelock");
}

TEST(DrmExecContention, PendingSignalEndsEachWaitIfInterruptible) {
  for (uint32_t flags : {0u, kExecInterruptibleWait}) {
    const bool interruptible = flags != 0;
    Contended c;
    // The first lock of a ticket waits.
    EXPECT_EQ(c([&] {
                kernel::task().signal_pending = true;
                Exec exec;
                exec_init(exec, flags);
                unsigned rounds = 0;
                EXPECT_EQ(prepare_all(exec, {{c.x, c.y}}, &rounds), interruptible ? -EINTR : 0);
                EXPECT_EQ(sched::now(), interruptible ? 2u : 5u);
                EXPECT_EQ(rounds, 1u);
                exec_fini(exec);
              }),
              "nothing");
    // The second would back off: the signal is noticed first.
    EXPECT_EQ(c([&] {
                kernel::task().signal_pending = true;
                Exec exec;
                exec_init(exec, flags);
                EXPECT_EQ(prepare_all(exec, {{c.y, c.x}}), interruptible ? -EINTR : 0);
                EXPECT_FALSE(exec_is_contended(exec));
                exec_fini(exec);
              }),
              "nothing");
    // The contended one waits; its error reaches the caller in the same round.
    for (bool empty_first : {false, true})
      EXPECT_EQ(c([&] {
                  Exec exec;
                  exec_init(exec, flags);
                  int error = 0;
                  unsigned rounds = 0;
                  drm_exec_until_all_locked(exec) {
                    kernel::task().signal_pending = ++rounds == 2;
                    error = 0;
                    if (empty_first) error = exec_prepare_array(exec, nullptr, 0, 1);
                    if (error == 0) error = exec_prepare_obj(exec, *c.y, 1);
                    if (error == 0) error = exec_prepare_obj(exec, *c.x, 1);
                    drm_exec_retry_on_contention(exec);
                    if (error != 0) break;
                  }
                  EXPECT_EQ(error, interruptible ? -EINTR : 0);
                  EXPECT_EQ(rounds, 2u);
                  EXPECT_EQ(exec.num_objects, interruptible ? 0u : 2u);
                  exec_fini(exec);
                }),
                "nothing");
  }
}

// Two threads that want the same objects in opposite orders, at every preemption.
TEST(DrmExecContention, ThreadsWithOppositeOrdersBothGetAllTheirObjects) {
  const std::vector<std::vector<std::vector<unsigned>>> orders[] = {
      {{{0, 1}}, {{1, 0}}},                // one array each
      {{{}, {0, 1}}, {{}, {1, 0}}},        // no read objects
      {{{0}, {1, 2}}, {{2, 1}, {}, {0}}},  // read, then write objects
  };
  for (const auto& order : orders) {
    Objects objects;
    unsigned backed_off = 0;
    int counter;
    TestRun run;
    run.set_up = [&] {
      dma::resv_reset();
      objects.clear();
      for (int i = 0; i < 3; ++i) objects.push_back(&make_object());
      counter = 0;
    };
    for (unsigned thread = 0; thread < 2; ++thread)
      run.threads.push_back([&, thread] {
        std::vector<Objects> arrays;
        for (const auto& numbers : order[thread]) {
          arrays.emplace_back();
          for (unsigned i : numbers) arrays.back().push_back(objects[i]);
        }
        Exec exec;
        unsigned rounds = 0;
        exec_init(exec, kExecInterruptibleWait);
        EXPECT_EQ(prepare_all(exec, arrays, &rounds), 0);
        backed_off += rounds - 1;
        const int before = counter;
        dma::Fence& f = dma::mock_fence(dma::kMockOps, 1, 1 + thread);
        for (const Objects& array : arrays)
          for (GemObject* obj : array) dma::resv_add_fence(*obj->resv, f, dma::ResvUsage::kWrite);
        dma::put_mock(f);
        counter = before + 1;
        exec_fini(exec);
      });
    run.tear_down = {[&] {
      EXPECT_EQ(counter, 2);
      for (GemObject* obj : objects) put(*obj);
    }};
    EXPECT_EQ(run.sweep({kT1, kT0}), "nothing");
    EXPECT_GT(backed_off, 0u);
  }
}

}  // namespace
}  // namespace drm
