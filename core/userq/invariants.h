// What must hold whenever nothing runs, and when a watchdog fires.
#pragma once

namespace userq {

struct Device;
struct Queue;

// Checks, for every queue of the device: a slot of its own; every fence that the GPU had reached
// when an interrupt was delivered is signaled; a watchdog is armed exactly while a fence is
// pending; a queue that waits holds a driver once; no queue is mapped while its file's eviction
// fence is signaled, nor without its memory; one that may run is mapped, one that was evicted waits
// for a resume, unless that has found memory of the process gone; the hardware has what the driver
// thinks it has. Reports lost-wakeup, fence-contract or warn-on. Process context, no lock held, no
// ioctl, work or interrupt under way.
void check_invariants(Device& adev);

// Checks a watchdog that fires: it was armed for the timeout of its engine, and, if nobody is about
// to change that, a fence is pending. Reports wrong-result or fence-contract. From the watchdog.
void check_watchdog(Queue& queue);

}  // namespace userq
