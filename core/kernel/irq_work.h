// Work that runs in hard interrupt context: for what must be done soon, but not under the locks
// that are held now.
#pragma once

#include <cstdint>

namespace kernel {

struct IrqWork {
  void (*func)(IrqWork& work);
  IrqWork* next;
  bool pending;  // queued, not begun
  bool busy;     // queued, or runs
  uint32_t tag;  // the operation that queued it
};

void init_irq_work(IrqWork& work, void (*func)(IrqWork& work));
// Runs the work on this CPU as soon as that has interrupts enabled, with them on: at once. False:
// it is queued already and has not begun. Any context. The work is looked at when `func` has
// returned, so `func` must not free it without a grace period.
bool irq_work_queue(IrqWork& work);
// Waits until it is neither queued nor running. May sleep.
void irq_work_sync(IrqWork& work);

// Starts a new run.
void irq_work_reset();

}  // namespace kernel
