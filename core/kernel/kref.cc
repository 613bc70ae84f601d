#include "core/kernel/kref.h"

#include "core/kernel/report.h"
#include "core/sched/sched.h"

namespace kernel {

void kref_init(Kref& kref, const char* type, Holder holder) {
  __atomic_store_n(&kref.count, 1, __ATOMIC_RELAXED);
  kref.object = ledger_open(type, holder);
}

void kref_get(Kref& kref, Holder holder) {
  sched::point(sched::Point::kAtomic, kref.object);
  if (__atomic_fetch_add(&kref.count, 1, __ATOMIC_RELAXED) <= 0 && checks_enabled) {
    const char* type = ledger_type(kref.object);
    report(Verdict::kRefcountResurrect, type,
           "%s#%u: a reference is taken by %s, but its count is zero", type, kref.object,
           holder.role);
  }
  ledger_get(kref.object, holder);
}

bool kref_get_unless_zero(Kref& kref, Holder holder) {
  sched::point(sched::Point::kAtomic, kref.object);
  int count = __atomic_load_n(&kref.count, __ATOMIC_RELAXED);
  do {
    if (count <= 0) return false;
  } while (!__atomic_compare_exchange_n(&kref.count, &count, count + 1, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED));
  ledger_get(kref.object, holder);
  return true;
}

// Release on every put and acquire on the last one: all uses of the object happen before its end.
bool kref_put(Kref& kref, Holder holder, void (*release)(Kref& kref)) {
  sched::point(sched::Point::kAtomic, kref.object);
  ledger_put(kref.object, holder);
  const int before = __atomic_fetch_sub(&kref.count, 1, __ATOMIC_ACQ_REL);
  if (before <= 0 && checks_enabled) {
    const char* type = ledger_type(kref.object);
    report(Verdict::kRefcountUnderflow, type, "%s#%u: %s drops a reference, but the count is %d",
           type, kref.object, holder.role, before);
  }
  if (before != 1) return false;
  ledger_close(kref.object);
  release(kref);
  return true;
}

void kref_move(Kref& kref, Holder from, Holder to) { ledger_move(kref.object, from, to); }

int kref_read(const Kref& kref) { return __atomic_load_n(&kref.count, __ATOMIC_RELAXED); }

}  // namespace kernel
