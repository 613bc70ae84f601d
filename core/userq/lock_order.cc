#include "core/userq/lock_order.h"

#include <cstddef>

#include "core/kernel/lockdep.h"

namespace userq {

namespace {

constexpr const char* kOrder[] = {
    "reservation_ww_class_mutex", "dma_fence_map",   "userq_mutex",     "reset_domain.sem",
    "xa_lock(userq_doorbell_xa)", "fence_list_lock", "userq_fence.lock"};

constexpr const char* kWorks[][2] = {{"resume_work", "reservation_ww_class_mutex"},
                                     {"suspend_work", "reservation_ww_class_mutex"},
                                     {"suspend_work", "reset_work"},
                                     {"reset_work", "userq_mutex"},
                                     {"hang_detect_work", "userq_mutex"}};

// The interrupt of a doorbell takes them.
constexpr const char* kIrqSafe[] = {"xa_lock(userq_doorbell_xa)", "fence_list_lock",
                                    "userq_fence.lock"};

}  // namespace

void declare_lock_order() {
  for (size_t i = 1; i < sizeof kOrder / sizeof *kOrder; ++i)
    kernel::lockdep_declare_order(kOrder[i - 1], kOrder[i]);
  for (const auto& order : kWorks) kernel::lockdep_declare_order(order[0], order[1]);
  for (const char* name : kIrqSafe) kernel::lockdep_declare_irq_safe(name);
}

}  // namespace userq
