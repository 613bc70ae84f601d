// Device-wide stops: system suspend and resume, and exclusive use of an engine (enforce isolation).
//
// Each forbids the queues to run and then takes those off that do; a queue that is created, brought
// back or reset meanwhile stays off. So none of them touches the resume works of the files, whose
// other queues would be forgotten. Errors: the first one is returned after all queues were tried.
// Process context, no lock held. Upstream stops at the first error.
#pragma once

namespace userq {

struct Device;

// All queues off the GPU: preempted for s0ix, else unmapped. After an error the device is not
// suspended: what still can run runs again. Mirrors amdgpu_userq_suspend.
int userq_suspend(Device& adev, bool s0ix);
// Brings them back. Mirrors amdgpu_userq_resume.
int userq_resume(Device& adev);

// Stops the user queues of the gfx and compute engines, until start. Nothing if stopped already,
// or started. Mirror amdgpu_userq_stop_sched_for_enforce_isolation and its counterpart.
int stop_sched_for_enforce_isolation(Device& adev);
int start_sched_for_enforce_isolation(Device& adev);

}  // namespace userq
