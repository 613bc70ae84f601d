// What must hold whenever nothing runs.
#pragma once

namespace userq {

struct Device;

// Checks, for every queue of the device: a slot of its own; every fence that the GPU had reached
// when an interrupt was delivered is signaled; a watchdog is armed exactly while a fence is
// pending; no queue is mapped while its file's eviction fence is signaled; the hardware has what
// the driver thinks it has. Reports lost-wakeup, fence-contract or warn-on. Process context, no
// lock held, no ioctl, work or interrupt under way.
void check_invariants(Device& adev);

}  // namespace userq
