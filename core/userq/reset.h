// Recovery from hung queues: the watchdog, reset of single queues, reset of the GPU.
//
// A queue's watchdog is armed while a fence of the queue is pending, and only then. When it fires,
// the queue counts as hung whatever the firmware thinks of it, and whether or not it is on the
// hardware: its fences complete with -ECANCELED, so that whoever waits for them goes on. (Upstream
// leaves it to the firmware: a process that asks for a fence of work that it never submits cannot
// free the queue again.) A stop of the device that takes longer than the watchdog therefore costs
// the queues that had work.
#pragma once

#include "core/kernel/workqueue.h"

namespace userq {

struct Device;
struct Queue;
struct QueueMgr;

// Disarms the watchdog if no fence is pending, else arms it unless it is armed already; after
// `progress` it gets the full time again. Who changes the pending fences calls this; it is one
// step, so the last one leaves the watchdog as the fences are. Any context. Mirrors
// amdgpu_userq_start_hang_detect_work and what the interrupt does upstream, in two steps.
void queue_update_hang_detect_work(Queue& queue, bool progress);
// Body of Queue::hang_detect_work. Nothing with gpu_recovery off.
void hang_detect_work(kernel::Work& work);

// All pending fences complete, those that the GPU has not reached with -ECANCELED. The queue is off
// the hardware. Any context.
void queue_force_completion(Queue& queue);

// For each engine that the manager has queues of: the firmware names the hung queues of the device
// and resets them; they become HUNG, and their fences complete. If that fails: gpu_recover().
// `guilty`, if any, is one of the manager's that has pending fences for too long; it becomes HUNG,
// too. Everything happens under the write side of the reset semaphore, which keeps the queues on
// their doorbells. Process context, no lock held. Mirrors amdgpu_userq_detect_and_reset_queues.
void detect_and_reset_queues(QueueMgr& userq_mgr, Queue* guilty);
// Schedules the reset work of a manager; nothing with gpu_recovery off. Any context.
void schedule_reset(QueueMgr& userq_mgr);
// Body of QueueMgr::reset_work.
void reset_work(kernel::Work& work);

// A reset of the whole GPU: under the write side of the reset semaphore pre_reset(), the hardware,
// post_reset(); then, without it, the queues are mapped again that may run. Process context, no
// lock held. Mirrors amdgpu_device_gpu_recover as far as queues see it.
void gpu_recover(Device& adev, bool vram_lost);
// Every queue: off the hardware, or else given up; one that was mapped is HUNG. All fences
// complete, whatever the state. Mirrors amdgpu_userq_pre_reset.
void pre_reset(Device& adev);
// HUNG queues become UNMAPPED. Those that were lost with the VRAM are found when they are mapped.
// Mirrors amdgpu_userq_post_reset, which maps here, evicted queues too.
void post_reset(Device& adev);

}  // namespace userq
