// For tests: buffer objects without a driver behind them, and open files.
#pragma once

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/drm/gem.h"
#include "core/kernel/slab.h"
#include "core/kernel/task.h"
#include "core/kernel/test_run.h"

namespace drm {

inline constexpr char kTestRole[] = "test";
inline constexpr kernel::Holder kTest{kTestRole};

inline void free_object(GemObject& obj) {
  gem_object_release(obj);
  kernel::kfree(&obj);
}
inline constexpr GemObjectFuncs kPlainFuncs = {free_object, nullptr, nullptr};

// An object that kTest holds.
inline GemObject& make_object(const GemObjectFuncs& funcs = kPlainFuncs,
                              dma::Resv* resv = nullptr) {
  GemObject* obj = kernel::kzalloc_obj<GemObject>("gem object");
  gem_object_init(*obj, funcs, 4096, resv, kTest);
  return *obj;
}
inline void put(GemObject& obj) { gem_object_put(&obj, kTest); }

// Calls `body`, which returns 0 or an error, with its first, second, ... allocation failing until
// none does any more. Returns the number of failures, which must all be -ENOMEM.
inline unsigned fail_each_allocation_of(const std::function<int()>& body) {
  for (uint32_t n = 1;; ++n) {
    kernel::task().fail_alloc = n;
    const int error = body();
    const bool failed = kernel::task().fail_alloc == 0;
    kernel::task().fail_alloc = 0;
    EXPECT_EQ(error, failed ? -ENOMEM : 0);
    if (!failed || error == 0) return n - 1;
  }
}

// Two open files, and user memory with handles.
class GemFixture : public testing::Test {
 protected:
  static constexpr uint64_t kUserBase = 0x10000;

  GemFixture() {
    mm_ = {kUserBase, sizeof user_memory_, user_memory_};
    run_.set_up = [this] {
      for (File*& f : files_) f = file_alloc(&mm_);
    };
    run_.tear_down = {[this] {
      for (File* f : files_) file_free(*f);
    }};
  }

  std::string run(kernel::TestRun::Body body) {
    run_.threads = {std::move(body)};
    return run_();
  }
  std::string sweep(std::vector<kernel::TestRun::Body> threads,
                    const kernel::TestRun::Body& check = {}) {
    run_.threads = std::move(threads);
    return run_.sweep({kernel::kT1, kernel::kT0}, check);
  }

  File& file(unsigned i = 0) { return *files_[i]; }
  uint32_t create(GemObject& obj, unsigned on_file = 0) {
    uint32_t handle = 0;
    EXPECT_EQ(gem_handle_create(file(on_file), obj, &handle), 0);
    return handle;
  }
  bool known(uint32_t handle, unsigned on_file = 0) {
    GemObject* obj = gem_object_lookup(file(on_file), handle, kTest);
    gem_object_put(obj, kTest);
    return obj != nullptr;
  }
  // Looks up what the handles name. On success each object is as expected, and is dropped again.
  int lookup(const std::vector<uint32_t>& handles, const std::vector<GemObject*>& expected) {
    auto* user = reinterpret_cast<uint32_t*>(user_memory_);
    for (size_t i = 0; i < handles.size(); ++i) user[i] = handles[i];
    kernel::task().mm = &mm_;
    GemObjects objects = {reinterpret_cast<GemObject**>(8), 77};  // not looked at
    const int error = gem_objects_lookup(file(), kUserBase, static_cast<uint32_t>(handles.size()),
                                         objects, kTest);
    EXPECT_EQ(std::vector<GemObject*>(objects.objects, objects.objects + objects.count),
              error == 0 ? expected : std::vector<GemObject*>{});
    gem_objects_free(objects, kTest);
    return error;
  }

  kernel::TestRun run_;
  kernel::UserMemory mm_;

 private:
  alignas(uint32_t) uint8_t user_memory_[64] = {};
  File* files_[2] = {};
};

}  // namespace drm
