// What the signal and the wait ioctl promise when they return 0, looked at from outside.
//
// Holds for a call that was alone: no other call of any process was under way between its start and
// its end. Reads without locks and without scheduling points, so that the run is the same with the
// checks off. Reports wrong-result.
#pragma once

#include "core/drm/file.h"
#include "core/userq/uapi_userq.h"

namespace userq {

// The sequence number of the queue's new fence is what the user left at the queue's write pointer.
void check_signal_result(drm::File& file, const drm_amdgpu_userq_signal& args);

// What the user asks a wait for; called at its start, because the ioctl may write to that memory.
void remember_wait(const drm_amdgpu_userq_wait& args);
// Of the wait that was remembered last, with the arguments as they came back. Every timeline point
// is submitted. The count phase counts all fences that are still pending. The fill phase gives
// slots that are in use, and one of them stands for each fence that is still pending. (Of fences in
// syncobjs; at most 256 of each kind are looked at.)
void check_wait_result(drm::File& file, const drm_amdgpu_userq_wait& args);

}  // namespace userq
