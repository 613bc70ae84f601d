// The rules of gem.h, and the order in which a file ends (file.h).
#include "core/drm/gem.h"

#include "core/dma/mock_fence_test_fixture.h"
#include "core/drm/gem_test_fixture.h"
#include "core/drm/syncobj.h"
#include "core/kernel/atomic.h"

namespace drm {
namespace {

using GemTest = GemFixture;

// What the driver's functions were called for, and what open() answers.
std::string calls;
int open_result;

void log_free(GemObject& obj) {
  calls += "free ";
  free_object(obj);
}
int log_open(GemObject&, File&) {
  calls += "open ";
  return open_result;
}
void log_close(GemObject&, File&) { calls += "close "; }
const GemObjectFuncs kLogged = {log_free, log_open, log_close};

GemObject& make_logged_object() {
  calls.clear();
  open_result = 0;
  return make_object(kLogged);
}

// --- objects ---

TEST_F(GemTest, LastReferenceFreesTheObject) {
  EXPECT_EQ(run([] {
              GemObject& obj = make_logged_object();
              gem_object_get(obj, kTest);
              put(obj);
              EXPECT_EQ(calls, "");
              put(obj);
              EXPECT_EQ(calls, "free ");
              gem_object_put(nullptr, kTest);
            }),
            "nothing");
}

TEST_F(GemTest, HasAReservationOfItsOwnOrSharesOne) {
  EXPECT_EQ(run([] {
              GemObject& root = make_object();
              GemObject& other = make_object(kPlainFuncs, root.resv);
              EXPECT_EQ(root.resv, &root.own_resv);
              EXPECT_EQ(other.resv, root.resv);
              EXPECT_EQ(root.resv->object, gem_object(root));
              EXPECT_EQ(root.size, 4096u);
              put(other);
              put(root);
            }),
            "nothing");
}

TEST_F(GemTest, FencesOfAFreedObjectAreDropped) {
  EXPECT_EQ(run([] {
              GemObject& obj = make_object();
              dma::Fence& f = dma::mock_fence();
              EXPECT_EQ(dma::resv_lock(*obj.resv, nullptr), 0);
              EXPECT_EQ(dma::resv_reserve_fences(*obj.resv, 1), 0);
              dma::resv_add_fence(*obj.resv, f, dma::ResvUsage::kWrite);
              dma::resv_unlock(*obj.resv);
              EXPECT_EQ(kernel::kref_read(f.refcount), 2);
              put(obj);
              EXPECT_EQ(kernel::kref_read(f.refcount), 1);
              dma::put_mock(f);
            }),
            "nothing");
}

TEST_F(GemTest, ObjectThatIsHeldForEverIsALeak) {
  EXPECT_EQ(run([] { make_object(); }), "reference-leak gem object held by test");
}

// --- handles ---

TEST_F(GemTest, HandlesCountFromOneAndAreReused) {
  EXPECT_EQ(run([this] {
              GemObject& obj = make_object();
              EXPECT_EQ(create(obj), 1u);
              EXPECT_EQ(create(obj), 2u);
              EXPECT_EQ(gem_handle_delete(file(), 1), 0);
              EXPECT_EQ(create(obj), 1u);
              EXPECT_EQ(create(obj, 1), 1u);  // each file has its own
              put(obj);
            }),
            "nothing");
}

TEST_F(GemTest, HandlesTogetherHoldOneReferenceAndEachIsOpenedAndClosed) {
  EXPECT_EQ(run([this] {
              GemObject& obj = make_logged_object();
              create(obj);
              create(obj);
              create(obj, 1);
              EXPECT_EQ(obj.handle_count, 3);
              EXPECT_EQ(kernel::kref_read(obj.refcount), 2);
              EXPECT_EQ(calls, "open open open ");
              put(obj);
              calls.clear();
              EXPECT_EQ(gem_handle_delete(file(), 1), 0);
              EXPECT_EQ(gem_handle_delete(file(1), 1), 0);
              EXPECT_EQ(calls, "close close ");
              EXPECT_EQ(gem_handle_delete(file(), 2), 0);
              EXPECT_EQ(calls, "close close close free ");
            }),
            "nothing");
}

TEST_F(GemTest, LookupTakesAReference) {
  EXPECT_EQ(run([this] {
              GemObject& obj = make_object();
              const uint32_t handle = create(obj);
              EXPECT_EQ(gem_object_lookup(file(), handle, kTest), &obj);
              EXPECT_EQ(kernel::kref_read(obj.refcount), 3);
              EXPECT_EQ(gem_handle_delete(file(), handle), 0);
              put(obj);
              EXPECT_EQ(kernel::kref_read(obj.refcount), 1);
              put(obj);
            }),
            "nothing");
}

TEST_F(GemTest, UnknownStaleAndForeignHandlesNameNothing) {
  EXPECT_EQ(run([this] {
              GemObject& obj = make_object();
              const uint32_t handle = create(obj, 1);
              const uint32_t stale = create(obj);
              EXPECT_EQ(gem_handle_delete(file(), stale), 0);
              EXPECT_EQ(handle, stale);
              for (uint32_t unknown : {0u, handle, 2u, 70u, UINT32_MAX}) {
                EXPECT_FALSE(known(unknown));
                EXPECT_EQ(gem_handle_delete(file(), unknown), -EINVAL);
                drm_gem_close args = {unknown, 0};
                EXPECT_EQ(gem_close_ioctl(file(), args), -EINVAL);
              }
              EXPECT_TRUE(known(handle, 1));
              put(obj);
            }),
            "nothing");
}

TEST_F(GemTest, CloseIoctlDropsTheHandle) {
  EXPECT_EQ(run([this] {
              GemObject& obj = make_logged_object();
              drm_gem_close args = {create(obj), 77};
              put(obj);
              EXPECT_EQ(gem_close_ioctl(file(), args), 0);
              EXPECT_EQ(calls, "open close free ");
            }),
            "nothing");
}

TEST_F(GemTest, RefusalOfOpenLeavesAllAsItWas) {
  EXPECT_EQ(run([this] {
              GemObject& obj = make_logged_object();
              open_result = -EPERM;
              uint32_t handle = 77;
              EXPECT_EQ(gem_handle_create(file(), obj, &handle), -EPERM);
              EXPECT_EQ(handle, 77u);
              EXPECT_EQ(calls, "open ");
              EXPECT_EQ(obj.handle_count, 0);
              EXPECT_EQ(kernel::kref_read(obj.refcount), 1);
              EXPECT_FALSE(known(1));
              open_result = 0;
              EXPECT_EQ(create(obj), 1u);
              put(obj);
            }),
            "nothing");
}

TEST_F(GemTest, FailedAllocationLeavesAllAsItWas) {
  EXPECT_EQ(run([this] {
              GemObject& obj = make_logged_object();
              uint32_t handle = 77;
              EXPECT_EQ(fail_each_allocation_of([&] {
                          EXPECT_EQ(calls, "");
                          EXPECT_EQ(obj.handle_count, 0);
                          EXPECT_EQ(kernel::kref_read(obj.refcount), 1);
                          EXPECT_EQ(handle, 77u);
                          return gem_handle_create(file(), obj, &handle);
                        }),
                        1u);
              EXPECT_EQ(handle, 1u);
              EXPECT_EQ(calls, "open ");
              put(obj);
            }),
            "nothing");
}

// A handle can be guessed: before open() agreed and after close() it names nothing, and its number
// is not given to another object.
uint32_t own, other;

TEST_F(GemTest, NothingIsFoundByAHandleThatIsOnItsWay) {
  static const GemObjectFuncs kCurious = {free_object,
                                          [](GemObject&, File& file) {
                                            calls += "open ";
                                            EXPECT_EQ(gem_object_lookup(file, 1, kTest), nullptr);
                                            EXPECT_EQ(gem_handle_delete(file, 1), -EINVAL);
                                            return 0;
                                          },
                                          [](GemObject&, File& file) {
                                            calls += "close ";
                                            EXPECT_EQ(gem_object_lookup(file, own, kTest), nullptr);
                                            EXPECT_EQ(gem_handle_delete(file, own), -EINVAL);
                                            GemObject& obj = make_object();
                                            EXPECT_EQ(gem_handle_create(file, obj, &other), 0);
                                            put(obj);
                                          }};
  EXPECT_EQ(run([this] {
              calls.clear();
              GemObject& obj = make_object(kCurious);
              own = create(obj);
              put(obj);
              EXPECT_EQ(gem_handle_delete(file(), own), 0);
              EXPECT_EQ(calls, "open close ");
              EXPECT_NE(own, other);
              EXPECT_TRUE(known(other));
            }),
            "nothing");
}

// --- arrays of handles ---

TEST_F(GemTest, LookupOfAnArrayHoldsEachObjectOnceAHandle) {
  EXPECT_EQ(run([this] {
              GemObject& a = make_object();
              GemObject& b = make_object();
              const uint32_t of_a = create(a), of_b = create(b);
              EXPECT_EQ(lookup({of_b, of_a, of_b}, {&b, &a, &b}), 0);
              put(a);
              put(b);
            }),
            "nothing");
}

TEST_F(GemTest, LookupOfNoHandlesIsAnEmptyArrayAndReadsNothing) {
  EXPECT_EQ(run([this] {
              EXPECT_EQ(lookup({}, {}), 0);
              GemObjects objects = {reinterpret_cast<GemObject**>(8), 77};
              kernel::task().fail_alloc = kernel::task().fail_copy = 1;
              EXPECT_EQ(gem_objects_lookup(file(), 1, 0, objects, kTest), 0);
              EXPECT_EQ(objects.objects, nullptr);
              EXPECT_EQ(objects.count, 0u);
            }),
            "nothing");
}

TEST_F(GemTest, LookupThatFailsHoldsNothing) {
  EXPECT_EQ(run([this] {
              GemObject& obj = make_object();
              const uint32_t handle = create(obj);
              const uint32_t foreign = create(obj, 1) + create(obj, 1);
              EXPECT_EQ(lookup({handle, foreign}, {}), -ENOENT);
              EXPECT_EQ(lookup({0, handle}, {}), -ENOENT);
              EXPECT_EQ(lookup({handle, handle, 99}, {}), -ENOENT);
              kernel::task().fail_copy = 1;
              EXPECT_EQ(lookup({handle}, {}), -EFAULT);
              EXPECT_EQ(
                  fail_each_allocation_of([&] { return lookup({handle, handle}, {&obj, &obj}); }),
                  2u);
              EXPECT_EQ(kernel::kref_read(obj.refcount), 2);
              put(obj);
            }),
            "nothing");
}

// --- the end of a file ---

TEST_F(GemTest, FileEndsInTheOrderOfUpstream) {
  static const dma::FenceOps kLogsItsEnd = {dma::mock_name, dma::mock_name, nullptr, nullptr,
                                            [](dma::Fence& fence) {
                                              calls += "syncobj ";
                                              dma::fence_free(fence);
                                            }};
  EXPECT_EQ(run([] {
              File* file = file_alloc(nullptr);
              file->driver_release = [](File&) { calls += "release "; };
              file->driver_postclose = [](File&) { calls += "postclose "; };
              GemObject& obj = make_logged_object();
              uint32_t handle;
              for (int i = 0; i < 70; ++i) EXPECT_EQ(gem_handle_create(*file, obj, &handle), 0);
              put(obj);
              Syncobj* syncobj;
              EXPECT_EQ(syncobj_create(&syncobj, 0, kTest), 0);
              dma::Fence& f = dma::mock_fence(kLogsItsEnd);
              syncobj_replace_fence(*syncobj, &f);
              dma::put_mock(f);
              EXPECT_EQ(syncobj_get_handle(*file, *syncobj, &handle), 0);
              syncobj_put(*syncobj, kTest);
              calls.clear();
              file_free(*file);
              std::string closes;
              for (int i = 0; i < 70; ++i) closes += "close ";
              EXPECT_EQ(calls, "release syncobj " + closes + "free postclose ");
            }),
            "nothing");
}

TEST_F(GemTest, FileThatFindsNoMemoryIsNone) {
  EXPECT_EQ(run([] {
              kernel::task().fail_alloc = 1;
              EXPECT_EQ(file_alloc(nullptr), nullptr);
            }),
            "nothing");
}

// --- several threads ---

TEST_F(GemTest, OneOfTwoThreadsDeletesAHandle) {
  int errors[2];
  std::vector<kernel::TestRun::Body> threads;
  for (int& error : errors)
    threads.push_back([this, &error] { error = gem_handle_delete(file(), 1); });
  run_.prepare = [this] {
    GemObject& obj = make_logged_object();
    create(obj);
    put(obj);
  };
  EXPECT_EQ(sweep(threads,
                  [&] {
                    ASSERT_EQ(errors[0] + errors[1], -EINVAL);
                    ASSERT_EQ(calls, "open close free ");
                  }),
            "nothing");
}

TEST_F(GemTest, LookupBesideADeletionFindsALiveObjectOrNothing) {
  int found = 0, runs = 0;
  run_.prepare = [this] {
    GemObject& obj = make_object();
    create(obj);
    put(obj);
  };
  EXPECT_EQ(sweep({[&] {
                     ++runs;
                     GemObject* obj = gem_object_lookup(file(), 1, kTest);
                     if (obj == nullptr) return;
                     ++found;
                     EXPECT_EQ(obj->size, 4096u);
                     put(*obj);
                   },
                   [&] { EXPECT_EQ(gem_handle_delete(file(), 1), 0); }}),
            "nothing");
  EXPECT_GT(found, 0);
  EXPECT_LT(found, runs);
}

TEST_F(GemTest, LastHandleInOneFileBesideTheFirstInAnother) {
  static int balance, freed;  // of open() and close()
  static const GemObjectFuncs kCounted = {
      [](GemObject& obj) {
        EXPECT_EQ(kernel::read_once(balance), 0);
        ++freed;
        free_object(obj);
      },
      [](GemObject&, File&) {
        kernel::atomic_add_return(1, balance);
        return 0;
      },
      [](GemObject&, File&) { kernel::atomic_add_return(-1, balance); }};
  GemObject* obj;
  run_.prepare = [&] {
    balance = freed = 0;
    obj = &make_object(kCounted);
    create(*obj);
  };
  EXPECT_EQ(sweep({[&] {
                     EXPECT_EQ(create(*obj, 1), 1u);
                     put(*obj);
                   },
                   [&] { EXPECT_EQ(gem_handle_delete(file(), 1), 0); }},
                  [] { ASSERT_EQ(freed, 1); }),
            "nothing");
}

}  // namespace
}  // namespace drm
