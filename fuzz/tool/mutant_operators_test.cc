#include "fuzz/tool/mutant_operators.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "fuzz/tool/mutants.h"

namespace tool {
namespace {

// What one operator makes of a function with this body, each result without the function around it.
std::vector<std::string> mutate(std::string_view name, const std::string& body,
                                const std::string& function = "f") {
  const std::string head = "void " + function + "() {\n";
  const std::string text = head + body + "}\n";
  std::vector<std::string> results;
  for (const CoreMutant& mutant : mutants_of("core/dma/x.cc", text)) {
    if (mutant.by->name != name) continue;
    EXPECT_TRUE(mutant.after.starts_with(head)) << mutant.after;
    results.push_back(mutant.after.substr(head.size(), mutant.after.size() - head.size() - 2));
  }
  return results;
}

using Results = std::vector<std::string>;

TEST(MutantOperators, DropGet) {
  EXPECT_EQ(mutate("drop-get", "  kernel::kref_get(x, h);\n"), Results{"  CANARY(true);\n"});
  EXPECT_EQ(mutate("drop-get", "  if (x != nullptr) bo_get(x);\n"),
            Results{"  if (x != nullptr) CANARY(true);\n"});
  EXPECT_EQ(mutate("drop-get", "  q.last = dma::fence_get(&f.base, h(q, 1));\n"),
            Results{"  CANARY(true);\n  q.last = &f.base;\n"});
  EXPECT_EQ(mutate("drop-get", "  while (x)\n    y = fence_get_rcu_safe(y->z, h);\n"),
            Results{"  while (x)\n    { CANARY(true); y = y->z; }\n"});
  EXPECT_EQ(mutate("drop-get", "  x = queue_get(id);\n  widget(x);\n"), Results{});
}

TEST(MutantOperators, DropPutAndDropFree) {
  EXPECT_EQ(mutate("drop-put", "  for (;;) dma::fence_put(f, h);\n"),
            Results{"  for (;;) CANARY(true);\n"});
  EXPECT_EQ(mutate("drop-put", "  kernel::kfree(x);\n  output(x);\n"), Results{});
  EXPECT_EQ(mutate("drop-free", "  kernel::kfree(x);\n"), Results{"  CANARY(true);\n"});
  EXPECT_EQ(mutate("drop-free", "  xa_destroy(x.y);\n"), Results{"  CANARY(true);\n"});
  EXPECT_EQ(mutate("drop-free", "  freeze(x);\n  y = kfree;\n"), Results{});
}

TEST(MutantOperators, DoublePut) {
  EXPECT_EQ(mutate("double-put", "  put(x);\n  fence_put(x, h);\n"),
            Results{"  put(x);\n  CANARY(true);\n  fence_put(x, h);\n  fence_put(x, h);\n"});
  EXPECT_EQ(mutate("double-put", "  if (a) kfree(x);\n"),
            Results{"  if (a) { CANARY(true); kfree(x); kfree(x); }\n"});
  EXPECT_EQ(mutate("double-put", "  fence_get(x, h);\n"), Results{});
}

TEST(MutantOperators, PutEarly) {
  EXPECT_EQ(mutate("put-early", "  use(*fence);\n  fence_put(fence, h);\n"),
            Results{"  CANARY(true);\n  fence_put(fence, h);\n  use(*fence);\n"});
  EXPECT_EQ(mutate("put-early", "  use(*other);\n  fence_put(fence, h);\n"), Results{});
  EXPECT_EQ(mutate("put-early", "  Fence* fence = make();\n  fence_put(fence, h);\n"), Results{});
}

TEST(MutantOperators, DropCleanup) {
  EXPECT_EQ(mutate("drop-cleanup", "  if (error != 0) {\n    kfree(x);\n    return error;\n  }\n"),
            Results{"  if (error != 0) {\n    CANARY(true);\n    return error;\n  }\n"});
  EXPECT_EQ(mutate("drop-cleanup", "  if (x == nullptr) {\n    up(y);\n    return -ENOMEM;\n  }\n"),
            Results{"  if (x == nullptr) {\n    CANARY(true);\n    return -ENOMEM;\n  }\n"});
  EXPECT_EQ(mutate("drop-cleanup", "  if (error != 0) fence_put(x, h);\n"),
            Results{"  if (error != 0) CANARY(true);\n"});
  EXPECT_EQ(mutate("drop-cleanup",
                   "  if (error == 0) add(x);\n  if (y) {\n    b();\n    return 0;\n  }\n"),
            Results{});
}

TEST(MutantOperators, DropRemoval) {
  EXPECT_EQ(mutate("drop-removal", "  kernel::list_del_init(x.node);\n"),
            Results{"  CANARY(true);\n"});
  EXPECT_EQ(mutate("drop-removal", "  list_add(x.node, y);\n"), Results{});
}

TEST(MutantOperators, SwapLocks) {
  EXPECT_EQ(mutate("swap-locks", "  mutex_lock(a);\n  mutex_lock(b);\n  x();\n"),
            Results{"  CANARY(true);\n  mutex_lock(b);\n  mutex_lock(a);\n  x();\n"});
  EXPECT_EQ(
      mutate("swap-locks",
             "  mutex_lock(a);\n  if (x) {\n    xa_lock(b);\n    y();\n    xa_unlock(b);\n  }\n"
             "  mutex_unlock(a);\n"),
      Results{"  xa_lock(b);\n  if (x) {\n    CANARY(true);\n    mutex_lock(a);\n    y();\n"
              "    mutex_unlock(a);\n  }\n  xa_unlock(b);\n"});
  EXPECT_EQ(mutate("swap-locks", "  mutex_lock(a);\n  mutex_unlock(a);\n  mutex_lock(b);\n"),
            Results{});
  EXPECT_EQ(mutate("swap-locks", "  mutex_lock(a);\n  mutex_lock(a);\n"), Results{});
}

TEST(MutantOperators, PlainLock) {
  EXPECT_EQ(mutate("plain-lock",
                   "  unsigned long flags;\n  spin_lock_irqsave(*f.lock, flags);\n"
                   "  if (x) {\n    spin_unlock_irqrestore(*f.lock, flags);\n    return;\n  }\n"
                   "  spin_unlock_irqrestore(*f.lock, flags);\n"),
            Results{"  CANARY(true);\n  spin_lock(*f.lock);\n"
                    "  if (x) {\n    spin_unlock(*f.lock);\n    return;\n  }\n"
                    "  spin_unlock(*f.lock);\n"});
  // Another lock still needs the flags.
  EXPECT_EQ(mutate("plain-lock",
                   "  unsigned long flags;\n  xa_lock_irqsave(a, flags);\n  "
                   "xa_unlock_irqrestore(a, flags);\n"
                   "  spin_lock_irqsave(b, flags);\n  spin_unlock_irqrestore(b, flags);\n")[0],
            "  unsigned long flags;\n  CANARY(true);\n  xa_lock(a);\n  xa_unlock(a);\n"
            "  spin_lock_irqsave(b, flags);\n  spin_unlock_irqrestore(b, flags);\n");
  EXPECT_EQ(mutate("plain-lock", "  spin_lock(a);\n  spin_unlock(a);\n"), Results{});
}

TEST(MutantOperators, ReadLock) {
  EXPECT_EQ(mutate("read-lock", "  down_write(s);\n  x();\n  up_write(s);\n"),
            Results{"  CANARY(true);\n  down_read(s);\n  x();\n  up_read(s);\n"});
  EXPECT_EQ(mutate("read-lock", "  down_read(s);\n  x();\n  up_read(s);\n"), Results{});
}

TEST(MutantOperators, UnlockEarlyAndLate) {
  EXPECT_EQ(mutate("unlock-early", "  mutex_lock(a);\n  x = 1;\n  mutex_unlock(a);\n"),
            Results{"  mutex_lock(a);\n  CANARY(true);\n  mutex_unlock(a);\n  x = 1;\n"});
  EXPECT_EQ(mutate("unlock-early", "  mutex_lock(a);\n  mutex_unlock(a);\n"), Results{});
  EXPECT_EQ(mutate("unlock-late", "  mutex_unlock(a);\n  put_all(x);\n"),
            Results{"  CANARY(true);\n  put_all(x);\n  mutex_unlock(a);\n"});
  EXPECT_EQ(mutate("unlock-late", "  mutex_unlock(a);\n  return;\n"), Results{});
}

TEST(MutantOperators, LockEarly) {
  EXPECT_EQ(mutate("lock-early", "  if (x() != 0) return -1;\n  mutex_lock(a);\n"),
            Results{"  mutex_lock(a);\n  CANARY(true);\n  if (x() != 0) return -1;\n"});
  EXPECT_EQ(
      mutate("lock-early", "  x();\n  unsigned long flags;\n  spin_lock_irqsave(a, flags);\n"),
      Results{"  unsigned long flags;\n  spin_lock_irqsave(a, flags);\n  CANARY(true);\n  x();\n"});
  EXPECT_EQ(mutate("lock-early", "  A* a = x();\n  mutex_lock(a->m);\n"), Results{});
  EXPECT_EQ(mutate("lock-early", "  int x = 0;\n  mutex_lock(a);\n"), Results{});
}

TEST(MutantOperators, DropLock) {
  EXPECT_EQ(mutate("drop-lock",
                   "  unsigned long flags;\n  spin_lock_irqsave(l, flags);\n  if (x)\n"
                   "    spin_unlock_irqrestore(l, flags);\n  else {\n"
                   "    spin_unlock_irqrestore(l, flags);\n  }\n"),
            Results{"  CANARY(true);\n  if (x)\n    {}\n  else {\n  }\n"});
  EXPECT_EQ(mutate("drop-lock", "  Stable stable(queue);\n  x();\n"),
            Results{"  CANARY(true);\n  x();\n"});
  EXPECT_EQ(mutate("drop-lock", "  Stable stable(queue);\n  x(stable);\n"), Results{});
  // Taken twice: only what is beside its unlock.
  EXPECT_EQ(mutate("drop-lock",
                   "  mutex_lock(a);\n  x();\n  mutex_unlock(a);\n  mutex_lock(a);\n  if (y) "
                   "mutex_unlock(a);\n"),
            Results{"  CANARY(true);\n  x();\n  mutex_lock(a);\n  if (y) mutex_unlock(a);\n"});
}

TEST(MutantOperators, OffByOne) {
  EXPECT_EQ(mutate("off-by-one", "  if (i >= kMax) return;\n"),
            Results{"  CANARY(true);\n  if (i > kMax) return;\n"});
  EXPECT_EQ(mutate("off-by-one", "  for (int i = 0; i < n; ++i) x(i);\n"),
            (Results{"  CANARY(true);\n  for (int i = 1; i < n; ++i) x(i);\n",
                     "  CANARY(true);\n  for (int i = 0; i <= n; ++i) x(i);\n"}));
  EXPECT_EQ(mutate("off-by-one", "  store(x, count + 1);\n"),
            Results{"  CANARY(true);\n  store(x, count);\n"});
  EXPECT_EQ(mutate("off-by-one", "  if (c.count == c.room) return;\n"),
            Results{"  CANARY(true);\n  if (c.count == c.room + 1) return;\n"});
  EXPECT_EQ(mutate("off-by-one", "  x = static_cast<int>(y) << 2;\n  p->q(a == b);\n"), Results{});
}

TEST(MutantOperators, PublishEarly) {
  EXPECT_EQ(mutate("publish-early", "  a();\n  b();\n  x.y = 1;\n  xa_store(t, i, &x);\n"),
            (Results{"  a();\n  b();\n  CANARY(true);\n  xa_store(t, i, &x);\n  x.y = 1;\n",
                     "  CANARY(true);\n  xa_store(t, i, &x);\n  a();\n  b();\n  x.y = 1;\n"}));
  EXPECT_EQ(mutate("publish-early", "  mutex_lock(m);\n  xa_store(t, i, &x);\n"), Results{});
  EXPECT_EQ(mutate("publish-early", "  mutex_lock(m);\n  x.y = 1;\n  list_add(x.n, l);\n"),
            Results{});
  EXPECT_EQ(mutate("publish-early", "  X* x = make();\n  xa_store(t, i, x);\n"), Results{});
}

TEST(MutantOperators, SkipRcu) {
  EXPECT_EQ(mutate("skip-rcu", "  kernel::call_rcu(x.rcu, free_rcu);\n"),
            Results{"  CANARY(true);\n  free_rcu(x.rcu);\n"});
  EXPECT_EQ(
      mutate("skip-rcu", "  kernel::rcu_read_lock();\n  x();\n  kernel::rcu_read_unlock();\n"),
      Results{"  CANARY(true);\n  x();\n"});
  EXPECT_EQ(mutate("skip-rcu", "  rcu_assert_reader();\n"), Results{});
}

TEST(MutantOperators, WaitsAndWakeUps) {
  EXPECT_EQ(mutate("cancel-no-sync", "  kernel::cancel_work_sync(x);\n"),
            Results{"  CANARY(true);\n  kernel::cancel_work(x);\n"});
  EXPECT_EQ(mutate("cancel-no-sync", "  cancel_work(x);\n"), Results{});
  EXPECT_EQ(mutate("drop-wait", "  flush_work(x);\n"), Results{"  CANARY(true);\n"});
  EXPECT_EQ(mutate("drop-wait", "  error = fence_wait(x, true);\n"), Results{});
  EXPECT_EQ(mutate("drop-wakeup", "  kernel::wake_up_process(*t);\n"),
            Results{"  CANARY(true);\n"});
  EXPECT_EQ(mutate("drop-wakeup", "  t = schedule_timeout(t);\n"), Results{});
}

TEST(MutantOperators, DropInitAndDropStore) {
  EXPECT_EQ(mutate("drop-init", "  kernel::init_list_head(x.n);\n"), Results{"  CANARY(true);\n"});
  EXPECT_EQ(mutate("drop-init", "  int error = 0;\n"), Results{"  CANARY(true);\n  int error;\n"});
  EXPECT_EQ(mutate("drop-init", "  x.y = nullptr;\n"), Results{"  CANARY(true);\n"});
  EXPECT_EQ(mutate("drop-init", "  x->y = z;\n", "alloc_x"), Results{"  CANARY(true);\n"});
  EXPECT_EQ(mutate("drop-init", "  x->y = z;\n  const int e = 0;\n"), Results{});
  EXPECT_EQ(mutate("drop-store", "  x->y = z;\n"), Results{"  CANARY(true);\n"});
  EXPECT_EQ(mutate("drop-store", "  ++x.count;\n"), Results{"  CANARY(true);\n"});
  EXPECT_EQ(mutate("drop-store", "  y = z;\n  f(a == b);\n"), Results{});
}

TEST(MutantOperators, IgnoreError) {
  EXPECT_EQ(mutate("ignore-error",
                   "  int error = a();\n  if (error != 0) return error;\n  error = b();\n"),
            Results{"  int error = a();\n  CANARY(true);\n  error = b();\n"});
  // Nobody else reads it.
  EXPECT_EQ(mutate("ignore-error", "  const int error = a();\n  if (error != 0) return error;\n"),
            Results{"  const int error = a();\n  CANARY(true);\n  (void)error;\n"});
  EXPECT_EQ(mutate("ignore-error", "  if (error == 0) error = b();\n"),
            Results{"  CANARY(true);\n  error = b();\n"});
  EXPECT_EQ(mutate("ignore-error", "  if (x != 0) return x;\n"), Results{});
}

TEST(MutantOperators, SkipCheck) {
  EXPECT_EQ(mutate("skip-check", "  if (x == nullptr) return;\n"), Results{"  CANARY(true);\n"});
  EXPECT_EQ(mutate("skip-check", "  if (x != nullptr) g(x);\n"),
            Results{"  CANARY(true);\n  g(x);\n"});
  EXPECT_EQ(
      mutate("skip-check", "  return a && b(c) && d;\n"),
      (Results{"  CANARY(true);\n  return b(c) && d;\n", "  CANARY(true);\n  return a && d;\n",
               "  CANARY(true);\n  return a && b(c);\n"}));
  EXPECT_EQ(
      mutate("skip-check", "  while (a || b) c();\n"),
      (Results{"  CANARY(true);\n  while (b) c();\n", "  CANARY(true);\n  while (a) c();\n"}));
  EXPECT_EQ(mutate("skip-check", "  if (error != 0) return error;\n  while (a) b();\n"), Results{});
}

TEST(MutantOperators, NegateCheck) {
  EXPECT_EQ(mutate("negate-check", "  if (x == 1) g();\n"),
            Results{"  CANARY(true);\n  if (x != 1) g();\n"});
  EXPECT_EQ(mutate("negate-check", "  if (!x) g();\n"),
            Results{"  CANARY(true);\n  if (x) g();\n"});
  EXPECT_EQ(mutate("negate-check", "  if (a(b == c)) g();\n"),
            Results{"  CANARY(true);\n  if (!(a(b == c))) g();\n"});
  EXPECT_EQ(mutate("negate-check", "  if (a == 1 && b) g();\n"),
            Results{"  CANARY(true);\n  if (!(a == 1 && b)) g();\n"});
  EXPECT_EQ(mutate("negate-check", "  if (error != 0) g();\n  while (x) g();\n"), Results{});
}

TEST(MutantOperators, ChecksOfTheBenchStay) {
  EXPECT_TRUE(mutants_of("core/dma/x.cc",
                         "void f() {\n  if (kernel::checks_enabled && x < y) g();\n"
                         "  WARN_ON(x > 0);\n  kernel::lockdep_assert_held(x);\n}\n")
                  .empty());
}

TEST(MutantOperators, EachHasANameOfItsOwnAndAClass) {
  std::vector<std::string_view> names;
  for (const MutantOperator& one : mutant_operators()) {
    names.push_back(one.name);
    EXPECT_FALSE(one.summary.empty());
    EXPECT_FALSE(one.defect_class.empty());
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

}  // namespace
}  // namespace tool
