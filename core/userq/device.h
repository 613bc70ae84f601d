// The device: what all files share.
#pragma once

#include <cstdint>

#include "core/kernel/mutex.h"
#include "core/kernel/rwsem.h"
#include "core/kernel/workqueue.h"
#include "core/kernel/xarray.h"
#include "core/userq/doorbell.h"
#include "core/userq/gpu.h"
#include "core/userq/seq64.h"
#include "core/userq/uapi_userq.h"

namespace userq {

struct UserqFuncs;

inline constexpr uint32_t kAllEngines = (1u << kHwIpCount) - 1;

// What a device is like.
struct DeviceConfig {
  uint32_t num_seq64 = 64;               // fence slots
  uint32_t userq_engines = kAllEngines;  // bit i: engine i has user queues
  bool tmz = false;  // has a trusted memory zone: any engine takes secure queues
  // Off: the watchdog does nothing, and no reset follows a failed firmware request. A queue that
  // hangs then stays, and freeing it or evicting its file does not return, as upstream; only a
  // reset from outside, gpu_recover(), helps. For debugging; not for programs that must end.
  bool gpu_recovery = true;
};

// What is reset together.
struct ResetDomain {
  kernel::RwSemaphore sem;  // write: a reset is under way. Within userq_mutex, if that is held
  kernel::Workqueue wq;     // ordered: one reset at a time
};

struct Device {
  Seq64 seq64;
  kernel::XArray userq_doorbell_xa;  // doorbell index -> Queue; lock taken with interrupts off
  ResetDomain reset_domain;
  uint64_t job_timeout[kHwIpCount];           // nanoseconds, by engine
  const UserqFuncs* userq_funcs[kHwIpCount];  // nullptr: the engine has no user queues
  bool tmz;
  bool gpu_recovery;
  kernel::Mutex stop_mutex;               // one stop or start of the device's queues at a time
  bool suspended;                         // atomic; no queue runs
  bool userq_halt_for_enforce_isolation;  // atomic; no gfx or compute queue runs
  uint32_t vram_lost_counter;             // atomic
  int pm_usage;                           // atomic; who needs the device powered
  Doorbells doorbells;
  Gpu gpu;
};

// nullptr: no memory. Process context.
Device* device_init(const DeviceConfig& config);
inline Device* device_init(uint32_t num_seq64) { return device_init({.num_seq64 = num_seq64}); }
// All files are closed and a grace period is over. Returns how many fence slots are still taken;
// warns of queues, and of power that somebody still asks for.
uint32_t device_fini(Device* adev);

// Whether any engine has user queues: without, their ioctls give -ENOTSUPP. Mirrors
// amdgpu_userq_enabled.
bool userq_enabled(const Device& adev);

// The device stays powered in between. Any context. Mirror pm_runtime_resume_and_get and
// pm_runtime_put_autosuspend.
void pm_runtime_get(Device& adev);
void pm_runtime_put(Device& adev);

}  // namespace userq
