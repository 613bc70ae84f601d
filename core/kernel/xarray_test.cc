// The XArray against std::map; its errors; and lookups beside changes.
#include "core/kernel/xarray.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <random>

#include "core/kernel/rcu.h"
#include "core/kernel/slab.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"
#include "core/kernel/wait.h"

namespace {

using kernel::kT0;
using kernel::kT1;
using kernel::run_alone;
using kernel::TestRun;
using kernel::XArray;
using sched::Target;

constexpr uint32_t kMax = UINT32_MAX;
constexpr size_t kCells = 64;
uint64_t cells[kCells];  // entries are addresses of these
void* entry(size_t i) { return &cells[i % kCells]; }

using Model = std::map<uint64_t, void*>;

Model contents(const XArray& xa) {
  Model found;
  uint64_t index;
  void* at;
  xa_for_each(xa, index, at) found[index] = at;
  return found;
}

// Waits until the callbacks of all nodes that were removed have run.
void wait_for_grace_period() {
  kernel::set_current_state();
  kernel::schedule_timeout("grace period", 1);
}

// Runs `body` with an empty array, which must be empty again at its end, down to the last node.
std::string with_array(const std::function<void(XArray& xa)>& body) {
  return run_alone([&] {
    XArray xa;
    kernel::xa_init(xa, "xa_lock");
    body(xa);
    EXPECT_TRUE(kernel::xa_empty(xa));
    wait_for_grace_period();
    EXPECT_EQ(kernel::slab_live_objects(), 0u);
    kernel::xa_destroy(xa);
  });
}

void clear(XArray& xa) {
  kernel::xa_lock(xa);
  kernel::xa_clear_locked(xa);
  kernel::xa_unlock(xa);
}

// --- against the model ---

class ModelTest {
 public:
  ModelTest(XArray& xa, uint64_t seed) : xa_(xa), random_(seed) {}

  void operator()(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      step();
      EXPECT_EQ(kernel::xa_empty(xa_), model_.empty());
      if (i % 16 == 0) EXPECT_EQ(contents(xa_), model_);
    }
    for (const auto& [index, at] : model_) EXPECT_EQ(kernel::xa_erase(xa_, index), at);
  }

 private:
  // Around the corners of the nodes, or anywhere in a small range.
  uint64_t draw_index() {
    static constexpr uint64_t kCorners[] = {0, 64, 4096, 1 << 18, uint64_t{kMax} - 1};
    const uint64_t r = random_();
    if (r % 3 == 0) return r / 3 % 200;
    const uint64_t corner = kCorners[r / 3 % 5];
    const uint64_t offset = r / 15 % 4;
    return corner >= 2 ? corner - 2 + offset : corner + offset;
  }

  void step() {
    const uint64_t index = draw_index();
    void* value = entry(random_());
    switch (random_() % 16) {
      case 0 ... 4:
        EXPECT_EQ(kernel::xa_insert(xa_, index, value), model_.count(index) ? -EBUSY : 0);
        model_.emplace(index, value);
        break;
      case 5 ... 8:
        check_alloc(static_cast<uint32_t>(index), value);
        break;
      case 9 ... 12:
        EXPECT_EQ(kernel::xa_erase(xa_, index), load(index));
        model_.erase(index);
        break;
      case 13:
        EXPECT_EQ(kernel::xa_load(xa_, index), load(index));
        break;
      case 14:
        check_find(index);
        break;
      default:
        if (random_() % 32 != 0) break;
        clear(xa_);
        model_.clear();
    }
  }

  void check_alloc(uint32_t min, void* value) {
    uint32_t max = random_() % 2 ? kMax : min + static_cast<uint32_t>(random_() % 4);
    if (max < min) max = kMax;
    uint64_t expected = min;
    while (model_.count(expected)) ++expected;
    uint32_t id = 12345;
    const int error = kernel::xa_alloc(xa_, &id, value, min, max);
    EXPECT_EQ(error, expected > max ? -EBUSY : 0);
    EXPECT_EQ(id, error == 0 ? expected : 12345) << "from " << min << " to " << max;
    if (error == 0) model_[expected] = value;
  }

  void check_find(uint64_t from) {
    uint64_t index = from;
    void* found = kernel::xa_find(xa_, &index);
    const auto expected = model_.lower_bound(from);
    EXPECT_EQ(found, expected == model_.end() ? nullptr : expected->second);
    EXPECT_EQ(index, expected == model_.end() ? from : expected->first);
  }

  void* load(uint64_t index) {
    const auto at = model_.find(index);
    return at == model_.end() ? nullptr : at->second;
  }

  XArray& xa_;
  std::mt19937_64 random_;
  Model model_;
};

TEST(XArray, AgreesWithAMapOverManyRandomOperations) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    const int steps = seed % 5 == 0 ? 500 : 10;
    EXPECT_EQ(with_array([&](XArray& xa) { ModelTest(xa, seed)(steps); }), "nothing");
  }
}

// --- single rules ---

TEST(XArray, LoneEntryAtZeroNeedsNoNode) {
  EXPECT_EQ(with_array([](XArray& xa) {
              EXPECT_EQ(kernel::xa_insert(xa, 0, entry(1)), 0);
              EXPECT_EQ(kernel::slab_live_objects(), 0u);
              EXPECT_EQ(kernel::xa_load(xa, 0), entry(1));
              EXPECT_EQ(kernel::xa_load(xa, 1), nullptr);
              EXPECT_EQ(kernel::xa_erase(xa, 0), entry(1));
            }),
            "nothing");
}

TEST(XArray, HighestIndicesWork) {
  EXPECT_EQ(with_array([](XArray& xa) {
              for (uint64_t index : {uint64_t{kMax}, uint64_t{kMax} + 1, ~uint64_t{0} - 1}) {
                EXPECT_EQ(kernel::xa_insert(xa, index, entry(2)), 0);
                EXPECT_EQ(kernel::xa_load(xa, index), entry(2));
                uint64_t found = 1;
                EXPECT_EQ(kernel::xa_find(xa, &found), entry(2));
                EXPECT_EQ(found, index);
                EXPECT_EQ(kernel::xa_erase(xa, index), entry(2));
              }
            }),
            "nothing");
}

TEST(XArray, TakenIndexIsBusyAndKeepsItsEntry) {
  EXPECT_EQ(with_array([](XArray& xa) {
              EXPECT_EQ(kernel::xa_insert(xa, 70, entry(1)), 0);
              EXPECT_EQ(kernel::xa_insert(xa, 70, entry(2)), -EBUSY);
              EXPECT_EQ(kernel::xa_erase(xa, 70), entry(1));
              EXPECT_EQ(kernel::xa_erase(xa, 70), nullptr);
            }),
            "nothing");
}

TEST(XArray, StoreReplacesWithoutMemory) {
  EXPECT_EQ(with_array([](XArray& xa) {
              for (uint64_t index : {uint64_t{0}, uint64_t{70}, uint64_t{1} << 40}) {
                kernel::xa_lock(xa);
                EXPECT_EQ(kernel::xa_store_locked(xa, index, entry(1)), 0);
                kernel::task().fail_alloc = 1;
                EXPECT_EQ(kernel::xa_store_locked(xa, index, entry(2)), 0);
                EXPECT_EQ(kernel::task().fail_alloc, 1u);
                kernel::task().fail_alloc = 0;
                kernel::xa_unlock(xa);
                EXPECT_EQ(contents(xa), (Model{{index, entry(2)}}));
                EXPECT_EQ(kernel::xa_erase(xa, index), entry(2));
              }
              kernel::xa_lock(xa);
              kernel::task().fail_alloc = 1;
              EXPECT_EQ(kernel::xa_store_locked(xa, 70, entry(1)), -ENOMEM);
              kernel::xa_unlock(xa);
            }),
            "nothing");
}

TEST(XArray, AllocTakesTheFirstFreeIndexWithinItsBounds) {
  EXPECT_EQ(with_array([](XArray& xa) {
              uint32_t id;
              for (uint32_t i = 0; i < 200; ++i) {
                EXPECT_EQ(kernel::xa_alloc(xa, &id, entry(i), 1, kMax), 0);
                EXPECT_EQ(id, i + 1);
              }
              kernel::xa_erase(xa, 150);
              kernel::xa_erase(xa, 64);
              EXPECT_EQ(kernel::xa_alloc(xa, &id, entry(0), 100, 149), -EBUSY);
              EXPECT_EQ(kernel::xa_alloc(xa, &id, entry(0), 1, kMax), 0);
              EXPECT_EQ(id, 64u);
              EXPECT_EQ(kernel::xa_alloc(xa, &id, entry(0), 1, kMax), 0);
              EXPECT_EQ(id, 150u);
              EXPECT_EQ(kernel::xa_alloc(xa, &id, entry(0), 1, 200), -EBUSY);
              EXPECT_EQ(kernel::xa_alloc(xa, &id, entry(0), 0, 0), 0);
              EXPECT_EQ(kernel::xa_alloc(xa, &id, entry(0), kMax, kMax), 0);
              EXPECT_EQ(id, kMax);
              EXPECT_EQ(kernel::xa_alloc(xa, &id, entry(0), kMax, kMax), -EBUSY);
              clear(xa);
            }),
            "nothing");
}

TEST(XArray, AllocLeavesALoneEntryAtZeroAlone) {
  EXPECT_EQ(with_array([](XArray& xa) {
              uint32_t id;
              EXPECT_EQ(kernel::xa_insert(xa, 0, entry(1)), 0);
              EXPECT_EQ(kernel::xa_alloc(xa, &id, entry(2), 0, 0), -EBUSY);
              EXPECT_EQ(kernel::xa_alloc(xa, &id, entry(2), 0, kMax), 0);
              EXPECT_EQ(id, 1u);
              EXPECT_EQ(kernel::xa_erase(xa, 0), entry(1));
              EXPECT_EQ(kernel::xa_erase(xa, 1), entry(2));
            }),
            "nothing");
}

TEST(XArray, EntriesMayBeErasedWhileWalking) {
  EXPECT_EQ(with_array([](XArray& xa) {
              for (uint64_t index : {0, 1, 63, 64, 4095, 4096, 300'000})
                kernel::xa_insert(xa, index, entry(index));
              uint64_t index;
              void* at;
              uint64_t last = 0;
              int seen = 0;
              xa_for_each(xa, index, at) {
                EXPECT_EQ(at, entry(index));
                EXPECT_TRUE(seen == 0 || index > last);
                last = index;
                ++seen;
                EXPECT_EQ(kernel::xa_erase(xa, index), at);
              }
              EXPECT_EQ(seen, 7);
            }),
            "nothing");
}

TEST(XArray, ChangesNeedTheLock) {
  for (auto change : {+[](XArray& xa) { kernel::xa_insert_locked(xa, 1, entry(1)); },
                      +[](XArray& xa) { kernel::xa_erase_locked(xa, 1); },
                      +[](XArray& xa) { kernel::xa_clear_locked(xa); },
                      +[](XArray& xa) {
                        uint32_t id;
                        kernel::xa_alloc_locked(xa, &id, entry(1), 0, 1);
                      }})
    EXPECT_EQ(with_array(change), "warn-on xa_lock");
}

// t0 inserts; t1, on the other CPU, interrupts it with a handler that erases.
std::string sweep_insert_interrupted_by_erase(kernel::XaFlags flags) {
  kernel::OnHeap<XArray> array;
  XArray& xa = array;
  TestRun run;
  run.set_up = [&] { kernel::xa_init(xa, "xa_lock", flags); };
  run.threads = {
      [&] { kernel::xa_insert(xa, 70, entry(0)); },
      [&] {
        sched::raise_irq(
            0, {[](void* arg) { kernel::xa_erase(*static_cast<XArray*>(arg), 70); }, &xa, 0});
        sched::point(sched::Point::kStep);
      }};
  run.tear_down = {[&] { kernel::xa_destroy(xa); }};
  return run.sweep({kT1, kT0});
}

TEST(XArray, OneThatInterruptsChangeNeedsInterruptsOff) {
  EXPECT_EQ(sweep_insert_interrupted_by_erase(kernel::XaFlags::kLockIrq), "nothing");
  const std::string found = sweep_insert_interrupted_by_erase(kernel::XaFlags::kNone);
  EXPECT_EQ(found.substr(0, found.find(',')), "irq-unsafe-lock xa_lock");
}

TEST(XArray, ItsLockMayBeTakenFromOutside) {
  EXPECT_EQ(with_array([](XArray& xa) {
              uint32_t id;
              unsigned long flags;
              kernel::xa_lock_irqsave(xa, flags);
              EXPECT_TRUE(kernel::in_atomic());
              EXPECT_EQ(kernel::xa_alloc_locked(xa, &id, entry(1), 5, 5), 0);
              EXPECT_EQ(kernel::xa_insert_locked(xa, 6, entry(2)), 0);
              EXPECT_EQ(kernel::xa_erase_locked(xa, 5), entry(1));
              kernel::xa_clear_locked(xa);
              kernel::xa_unlock_irqrestore(xa, flags);
              EXPECT_FALSE(kernel::in_atomic());
            }),
            "nothing");
}

TEST(XArray, DestroyForgetsEntriesAndEndsTheLock) {
  EXPECT_EQ(run_alone([] {
              XArray xa;
              kernel::xa_init(xa, "xa_lock");
              for (uint64_t i = 0; i < 10'000; i += 37) kernel::xa_insert(xa, i, entry(i));
              kernel::xa_destroy(xa);
            }),
            "nothing");
  EXPECT_EQ(with_array([](XArray& xa) {
              kernel::xa_destroy(xa);
              kernel::xa_insert(xa, 1, entry(1));
            }),
            "use-after-destroy spinlock");
}

// --- no memory ---

TEST(XArray, FailedAllocationLeavesTheContentsAsTheyWere) {
  int failures = 0;
  const std::vector<std::vector<uint64_t>> fillings = {{},   {0},    {0, 64},
                                                       {63}, {4096}, {0, 1 << 18}};
  for (const auto& filling : fillings)
    for (uint64_t index : {uint64_t{1}, uint64_t{65}, uint64_t{5000}, uint64_t{kMax}}) {
      EXPECT_EQ(with_array([&](XArray& xa) {
                  for (uint64_t i : filling) EXPECT_EQ(kernel::xa_insert(xa, i, entry(i)), 0);
                  const Model before = contents(xa);
                  for (uint32_t n = 1;; ++n) {
                    kernel::task().fail_alloc = n;
                    const int error = kernel::xa_insert(xa, index, entry(9));
                    kernel::task().fail_alloc = 0;
                    if (error == 0) break;
                    ++failures;
                    EXPECT_EQ(error, -ENOMEM);
                    EXPECT_EQ(contents(xa), before);
                    EXPECT_EQ(kernel::xa_empty(xa), before.empty());
                  }
                  EXPECT_EQ(kernel::xa_erase(xa, index), entry(9));
                  EXPECT_EQ(contents(xa), before);
                  for (uint64_t i : filling) EXPECT_EQ(kernel::xa_erase(xa, i), entry(i));
                }),
                "nothing");
    }
  EXPECT_GT(failures, 30);
}

TEST(XArray, FailedAllocOfAnIndexLeavesTheIdAndTheArray) {
  EXPECT_EQ(with_array([](XArray& xa) {
              uint32_t id = 7;
              kernel::task().fail_alloc = 1;
              EXPECT_EQ(kernel::xa_alloc(xa, &id, entry(1), 1, kMax), -ENOMEM);
              EXPECT_EQ(id, 7u);
              EXPECT_EQ(kernel::xa_alloc(xa, &id, entry(1), 1, kMax), 0);
              EXPECT_EQ(id, 1u);
              EXPECT_EQ(kernel::xa_erase(xa, 1), entry(1));
            }),
            "nothing");
}

// --- lookup beside changes ---

struct Object {
  kernel::RcuHead rcu;
  uint64_t index;

  static void free_rcu(kernel::RcuHead& head) { kernel::kfree(&head); }  // rcu comes first
};

constexpr uint64_t kIndices[] = {3, 64, 4097};

// Reads under RCU while the other thread erases and frees; clean under ASan and TSan.
void sweep_reader_beside_eraser(std::initializer_list<Target> targets,
                                const std::function<void(const XArray& xa)>& read) {
  XArray xa;
  TestRun run;
  run.set_up = [&] {
    kernel::xa_init(xa, "xa_lock");
    for (uint64_t index : kIndices) {
      Object* object = kernel::kzalloc_obj<Object>("object");
      object->index = index;
      EXPECT_EQ(kernel::xa_insert(xa, index, object), 0);
    }
  };
  run.threads = {[&] {
                   kernel::rcu_read_lock();
                   read(xa);
                   kernel::rcu_read_unlock();
                 },
                 [&] {
                   for (uint64_t index : {4097, 3, 64}) {
                     auto* object = static_cast<Object*>(kernel::xa_erase(xa, index));
                     kernel::call_rcu(object->rcu, Object::free_rcu);
                   }
                 }};
  run.tear_down = {[&] {
    EXPECT_TRUE(kernel::xa_empty(xa));
    kernel::xa_destroy(xa);
  }};
  EXPECT_EQ(run.sweep(targets), "nothing");
}

TEST(XArray, LookupBesideErasingFindsTheEntryOrNothing) {
  sweep_reader_beside_eraser({kT1, kT0, Target::kSoftirq}, [](const XArray& xa) {
    for (uint64_t index : {64, 4097}) {
      const auto* object = static_cast<Object*>(kernel::xa_load(xa, index));
      if (object != nullptr) EXPECT_EQ(object->index, index);
    }
  });
}

TEST(XArray, WalkBesideErasingSeesEachEntryAtMostOnceAndInOrder) {
  sweep_reader_beside_eraser({kT1, Target::kSoftirq}, [](const XArray& xa) {
    uint64_t index, after = 0;
    Object* object;
    xa_for_each(xa, index, object) {
      EXPECT_GE(index, after);
      after = index + 1;
      EXPECT_EQ(object->index, index);
    }
  });
}

TEST(XArray, LookupBesideInsertingFindsTheEntryOrNothing) {
  XArray xa;
  Object objects[2];
  TestRun run;
  run.set_up = [&] {
    kernel::xa_init(xa, "xa_lock");
    for (Object& object : objects) object = {};
  };
  run.threads = {[&] {
                   kernel::rcu_read_lock();
                   for (uint64_t index : {0, 4097}) {
                     const auto* object = static_cast<Object*>(kernel::xa_load(xa, index));
                     if (object != nullptr) EXPECT_EQ(object->index, index);
                   }
                   kernel::rcu_read_unlock();
                 },
                 [&] {
                   for (uint64_t index : {0, 4097}) {
                     Object& object = objects[index != 0];
                     object.index = index;
                     EXPECT_EQ(kernel::xa_insert(xa, index, &object), 0);
                   }
                 }};
  run.tear_down = {[&] { kernel::xa_destroy(xa); }};
  EXPECT_EQ(run.sweep({kT1, kT0, kT1}), "nothing");
}

TEST(XArray, ThreadsThatAllocateNeverGetTheSameIndex) {
  XArray xa;
  uint32_t ids[2];
  TestRun run;
  run.set_up = [&] {
    kernel::xa_init(xa, "xa_lock");
    ids[0] = ids[1] = 0;
  };
  for (int thread = 0; thread < 2; ++thread)
    run.threads.push_back(
        [&, thread] { EXPECT_EQ(kernel::xa_alloc(xa, &ids[thread], entry(1), 1, 2), 0); });
  run.tear_down = {[&] { kernel::xa_destroy(xa); }};
  EXPECT_EQ(run.sweep({kT1, kT0}, [&] { ASSERT_EQ(ids[0] + ids[1], 3u); }), "nothing");
}

}  // namespace
