// Syncobjs, binary and timeline, through their ioctls against a model: an object is a fence of
// fence_model.h or none. Beside the steps another thread waits for points to be submitted.
#include <cerrno>
#include <cstring>

#include "core/drm/descriptors.h"
#include "core/drm/eventfd.h"
#include "core/drm/syncobj.h"
#include "core/kernel/slab.h"
#include "core/kernel/task.h"
#include "fuzz/targets/fence_model.h"
#include "fuzz/targets/step_target.h"

namespace {

enum StepKind : unsigned {
  kFirst = steps::kCommon - 1,
#define STEP(enumerator, name, operands) enumerator,
#include "fuzz/targets/syncobj_steps.def"
#undef STEP
};

namespace model = fence_model;
using model::kNone;
using model::Tri;
using Kind = model::Fence::Kind;

constexpr unsigned kVars = 8;
constexpr unsigned kFences = 8;
constexpr unsigned kMaxObjects = steps::kMaxSteps;
constexpr unsigned kMaxHandles = steps::kMaxSteps + 1;  // a step makes one at most
constexpr unsigned kMaxCounters = 32;
constexpr unsigned kWaiterRounds = 4;
constexpr uint64_t kUserBase = 0x10000;
constexpr kernel::Holder kStep{"step"};
constexpr kernel::Holder kGpu{"GPU"};

struct Object {
  uint16_t fence;  // kNone: nothing submitted
  bool alive;      // a handle names it
};

struct Counter {
  int fd;
  uint16_t object;
  uint64_t point;
  bool available;
  bool found;      // its point was submitted; `fence` is what it waits for
  uint16_t fence;  // kNone: nothing any more
};

drm::File* file;
drm::Descriptors files;
kernel::UserMemory mm;
uint8_t memory[1024];
Object objects[kMaxObjects];
unsigned num_objects;
uint32_t vars[kVars];             // handles: live ones, stale ones, recycled ones, or 0
uint16_t object_of[kMaxHandles];  // by handle; kNone: it names nothing
dma::Fence* gpu_fences[kFences];
uint16_t gpu_model[kFences];
Counter counters[kMaxCounters];
unsigned num_counters;

const char* name(dma::Fence&) { return "syncobj_fuzzer"; }
const dma::FenceOps kOps = {name, name, nullptr, nullptr, nullptr};

uint16_t object_in(unsigned var) { return object_of[vars[var]]; }

bool room() { return model::count + 2 * kVars < model::kMaxFences; }
// Whether an injected failure has struck.
bool failed_alloc(bool armed) { return armed && kernel::task().fail_alloc == 0; }

uint64_t put(unsigned offset, const void* data, size_t size) {
  std::memcpy(memory + offset, data, size);
  return kUserBase + offset;
}

// --- the model ---

// The fence that must be complete for a point to be reached: *found says whether the point is
// submitted; kNone: it is reached.
uint16_t fence_at(uint16_t head, uint64_t point, bool* found) {
  *found = head != kNone;
  if (head == kNone || point == 0) return head;
  const model::Fence& node = model::fences[head];
  *found = node.kind == Kind::kChain && node.seqno >= point;
  if (!*found) return kNone;
  bool sure;
  return model::find_seqno(head, point, &sure);
}

bool is_done(uint16_t fence) { return fence == kNone || model::is_signaled(fence) == Tri::kYes; }

uint64_t value_of(uint16_t head, bool last_submitted) {
  if (head == kNone || model::fences[head].kind != Kind::kChain) return 0;
  if (last_submitted) return model::fences[head].seqno;
  bool sure;
  uint16_t last = head;
  for (uint16_t at = head; at != kNone; at = model::walk(at, &sure)) {
    if (model::fences[at].context != model::fences[head].context) break;
    last = at;
  }
  return is_done(last) ? model::fences[last].seqno : model::fences[last].prev_seqno;
}

// After each change: whose point is there now, and whose fence is complete.
void update_counters() {
  for (unsigned i = 0; i < num_counters; ++i) {
    Counter& counter = counters[i];
    if (counter.found || counter.object == kNone || !objects[counter.object].alive) continue;
    counter.fence = fence_at(objects[counter.object].fence, counter.point, &counter.found);
    if (counter.found && (counter.available || is_done(counter.fence))) counter.fence = kNone;
  }
}

void replace(uint16_t object, uint16_t fence) {
  objects[object].fence = fence;
  update_counters();
}

uint16_t add_stub() {
  const uint16_t index = model::add(Kind::kLeaf, nullptr, 0, 0, false);
  model::saw_signaled(index);
  return index;
}

// The real node is the object's fence now.
void add_point(uint16_t object, uint16_t contained, uint64_t point, dma::Fence* real) {
  const uint16_t prev = objects[object].fence;
  const bool joins = prev != kNone && model::fences[prev].kind == Kind::kChain;
  const uint64_t prev_seqno = joins ? model::fences[prev].seqno : 0;
  const bool in_order = joins && point > prev_seqno;
  const uint16_t index = model::add(Kind::kChain, real, real->context,
                                    joins && point < prev_seqno ? prev_seqno : point, true);
  expect_result(real->seqno == model::fences[index].seqno, "drm_syncobj_add_point",
                "point %llu, not %llu", (unsigned long long)real->seqno,
                (unsigned long long)model::fences[index].seqno);
  model::fences[index].prev = prev;
  model::fences[index].contained = contained;
  model::fences[index].prev_seqno = in_order ? prev_seqno : 0;
  replace(object, index);
}

// The fence that a real object has now; not held.
dma::Fence* real_fence(uint32_t handle) {
  drm::Syncobj* syncobj = drm::syncobj_find(*file, handle, kStep);
  dma::Fence* fence = drm::syncobj_fence_get(*syncobj, kStep);
  dma::fence_put(fence, kStep);
  drm::syncobj_put(*syncobj, kStep);
  return fence;
}

// The variables first.. as an array of handles in user memory. False: one of them names nothing.
bool put_handles(unsigned first, unsigned count, uint64_t* address, unsigned* which) {
  uint32_t handles[kVars];
  bool ok = true;
  for (unsigned i = 0; i < count; ++i) {
    which[i] = (first + i) % kVars;
    handles[i] = vars[which[i]];
    ok = ok && object_in(which[i]) != kNone;
  }
  *address = put(0, handles, sizeof handles[0] * count);
  return ok;
}

// --- steps ---

void create(unsigned var, bool signaled, bool may_fail) {
  if (num_objects == kMaxObjects || !room()) return;
  drm::drm_syncobj_create args{0, signaled ? drm::kSyncobjCreateSignaled : 0};
  const int error = drm::syncobj_create_ioctl(*file, args);
  if (failed_alloc(may_fail)) return;
  expect_result(error == 0 && args.handle != 0, "drm_syncobj_create_ioctl", "%d", error);
  const auto object = static_cast<uint16_t>(num_objects++);
  objects[object] = {signaled ? add_stub() : kNone, true};
  vars[var] = args.handle;
  object_of[args.handle] = object;
}

bool named(uint16_t object) {
  for (const uint16_t other : object_of)
    if (other == object) return true;
  return false;
}

void destroy(unsigned var) {
  drm::drm_syncobj_destroy args{vars[var], 0};
  const bool known = object_in(var) != kNone;
  const int error = drm::syncobj_destroy_ioctl(*file, args);
  expect_result(error == (known ? 0 : -EINVAL), "drm_syncobj_destroy_ioctl", "%d", error);
  if (!known) return;
  const uint16_t object = object_in(var);
  object_of[vars[var]] = kNone;
  objects[object].alive = named(object);
}

void submit(unsigned var, unsigned fence) {
  if (object_in(var) == kNone) return;
  drm::Syncobj* syncobj = drm::syncobj_find(*file, vars[var], kStep);
  drm::syncobj_replace_fence(*syncobj, gpu_fences[fence]);
  drm::syncobj_put(*syncobj, kStep);
  replace(object_in(var), gpu_model[fence]);
}

void submit_point(unsigned var, unsigned fence, uint8_t point) {
  if (object_in(var) == kNone || !room()) return;
  dma::FenceChain* chain = dma::fence_chain_alloc();
  if (chain == nullptr) return;
  drm::Syncobj* syncobj = drm::syncobj_find(*file, vars[var], kStep);
  drm::syncobj_add_point(*syncobj, *chain, *gpu_fences[fence], point);
  drm::syncobj_put(*syncobj, kStep);
  add_point(object_in(var), gpu_model[fence], point, real_fence(vars[var]));
}

void complete(unsigned fence) {
  dma::fence_signal(*gpu_fences[fence]);
  model::saw_signaled(gpu_model[fence]);
}

// For the ioctls on arrays. `known`: all handles name something.
int expected_of_array(unsigned count, bool known) {
  return count == 0 ? -EINVAL : known ? 0 : -ENOENT;
}

void reset(unsigned first, unsigned count, bool may_fail) {
  unsigned which[kVars];
  drm::drm_syncobj_array args{0, count, 0};
  const bool known = put_handles(first, count, &args.handles, which);
  const int error = drm::syncobj_reset_ioctl(*file, args);
  if (failed_alloc(may_fail)) return;
  expect_result(error == expected_of_array(count, known), "drm_syncobj_reset_ioctl", "%d", error);
  for (unsigned i = 0; error == 0 && i < count; ++i) replace(object_in(which[i]), kNone);
}

void signal(unsigned first, unsigned count, bool may_fail) {
  if (!room()) return;
  unsigned which[kVars];
  drm::drm_syncobj_array args{0, count, 0};
  const bool known = put_handles(first, count, &args.handles, which);
  dma::Fence* before[kVars];
  for (unsigned i = 0; known && i < count; ++i) before[i] = real_fence(vars[which[i]]);
  const int error = drm::syncobj_signal_ioctl(*file, args);
  if (!failed_alloc(may_fail))
    expect_result(error == expected_of_array(count, known), "drm_syncobj_signal_ioctl", "%d",
                  error);
  // Those before the one whose fence could not be had are signaled.
  for (unsigned i = 0; known && i < count; ++i)
    if (error == 0 || real_fence(vars[which[i]]) != before[i])
      replace(object_in(which[i]), add_stub());
}

void timeline_signal(unsigned first, unsigned count, uint8_t point, bool may_fail) {
  if (!room()) return;
  unsigned which[kVars];
  uint64_t points[kVars];
  for (uint64_t& p : points) p = point;
  drm::drm_syncobj_timeline_array args{0, put(256, points, sizeof points), count, 0};
  const bool known = put_handles(first, count, &args.handles, which);
  const int error = drm::syncobj_timeline_signal_ioctl(*file, args);
  if (failed_alloc(may_fail)) return;
  expect_result(error == expected_of_array(count, known), "drm_syncobj_timeline_signal_ioctl", "%d",
                error);
  for (unsigned i = 0; error == 0 && i < count; ++i) {
    // With two variables for one object the first node is below the second.
    bool last = true;
    for (unsigned j = i + 1; j < count; ++j)
      last = last && object_in(which[j]) != object_in(which[i]);
    dma::Fence* fence = real_fence(vars[which[i]]);
    if (!last) fence = dma::to_fence_chain(fence)->prev;
    if (fence == nullptr) return;
    add_point(object_in(which[i]), add_stub(), point, fence);
  }
}

void query(unsigned var, bool last_submitted, bool may_fail) {
  unsigned which[kVars];
  drm::drm_syncobj_timeline_array args{0, kUserBase + 256, 1,
                                       last_submitted ? drm::kSyncobjQueryFlagsLastSubmitted : 0};
  const bool known = put_handles(var, 1, &args.handles, which);
  const int error = drm::syncobj_query_ioctl(*file, args);
  if (failed_alloc(may_fail)) return;
  expect_result(error == expected_of_array(1, known), "drm_syncobj_query_ioctl", "%d", error);
  if (error != 0) return;
  uint64_t value;
  std::memcpy(&value, memory + 256, sizeof value);
  const uint64_t expected = value_of(objects[object_in(var)].fence, last_submitted);
  expect_result(value == expected, "drm_syncobj_query_ioctl", "%llu, not %llu",
                (unsigned long long)value, (unsigned long long)expected);
}

// The model of a fence that was made of what another object holds.
uint16_t flattened(uint16_t head) {
  uint16_t leaves[model::kMaxFences];
  bool sure = true;
  const unsigned n = head == kNone ? 0 : model::leaves(head, leaves, model::kMaxFences, &sure);
  const uint16_t index = model::add(Kind::kArray, nullptr, 0, 0, false);
  model::Fence& fence = model::fences[index];
  for (unsigned i = 0; i < n; ++i) {
    if (is_done(leaves[i])) continue;
    bool present = false;
    for (unsigned j = 0; j < fence.num_members; ++j)
      present = present || fence.members[j] == leaves[i];
    if (!present && fence.num_members < model::kMaxMembers)
      fence.members[fence.num_members++] = leaves[i];
  }
  if (fence.num_members == 0) model::saw_signaled(index);
  return index;
}

void transfer(unsigned var, unsigned from, uint8_t points, bool may_fail) {
  if (!room()) return;
  drm::drm_syncobj_transfer args{};
  args.dst_handle = vars[var];
  args.src_handle = vars[from];
  args.dst_point = points >> 4;
  args.src_point = points & 0xf;
  bool found = false;
  uint16_t fence = kNone;
  if (object_in(from) != kNone)
    fence = fence_at(objects[object_in(from)].fence, args.src_point, &found);
  const int expected = object_in(var) == kNone || object_in(from) == kNone ? -ENOENT
                       : found                                             ? 0
                                                                           : -EINVAL;
  const int error = drm::syncobj_transfer_ioctl(*file, args);
  if (failed_alloc(may_fail)) return;
  expect_result(error == expected, "drm_syncobj_transfer_ioctl", "%d", error);
  if (error != 0) return;
  if (args.dst_point == 0)
    replace(object_in(var), fence == kNone ? add_stub() : fence);
  else
    add_point(object_in(var), flattened(fence), args.dst_point, real_fence(vars[var]));
}

void find_fence(unsigned var, uint8_t point) {
  bool found = false;
  uint16_t expected = kNone;
  if (object_in(var) != kNone) expected = fence_at(objects[object_in(var)].fence, point, &found);
  dma::Fence* fence;
  const int error = drm::syncobj_find_fence(*file, vars[var], point, 0, &fence, kStep);
  expect_result(error == (object_in(var) == kNone ? -ENOENT
                          : found                 ? 0
                                                  : -EINVAL),
                "drm_syncobj_find_fence", "%d", error);
  if (error != 0) return;
  expect_result(dma::fence_is_signaled(*fence) == is_done(expected), "drm_syncobj_find_fence",
                "a fence that is not as complete as it should be");
  if (expected != kNone && model::fences[expected].real != nullptr)
    expect_result(fence == model::fences[expected].real, "drm_syncobj_find_fence",
                  "not the fence of point %u", point);
  dma::fence_put(fence, kStep);
}

// What polling an array gives; *first: the first that is done.
int expected_of_wait(const unsigned* which, unsigned count, uint64_t point, uint32_t flags,
                     uint32_t* first) {
  const bool waits =
      (flags & (drm::kSyncobjWaitFlagsWaitForSubmit | drm::kSyncobjWaitFlagsWaitAvailable)) != 0;
  unsigned done = 0;
  for (unsigned i = 0; i < count; ++i) {
    bool found;
    const uint16_t fence = fence_at(objects[object_in(which[i])].fence, point, &found);
    if (!found && !waits) return -EINVAL;
    if (!found) continue;
    if (((flags & drm::kSyncobjWaitFlagsWaitAvailable) != 0 || is_done(fence)) && done++ == 0)
      *first = i;
  }
  const unsigned needed = (flags & drm::kSyncobjWaitFlagsWaitAll) != 0 ? count : 1;
  return done >= needed ? 0 : -ETIME;
}

void check_wait(const char* where, int error, uint32_t got_first, const unsigned* which,
                unsigned count, bool known, uint64_t point, uint32_t flags) {
  uint32_t first = 0;
  const int expected = count == 0 ? 0
                       : !known   ? -ENOENT
                                  : expected_of_wait(which, count, point, flags, &first);
  expect_result(error == expected, where, "%d, not %d", error, expected);
  if (error == 0 && count > 0)
    expect_result(got_first == first, where, "the first is %u, not %u", got_first, first);
}

void wait(unsigned first, unsigned count, uint8_t flags, bool may_fail) {
  unsigned which[kVars];
  drm::drm_syncobj_wait args{};
  args.count_handles = count;
  args.flags = flags & (drm::kSyncobjWaitFlagsWaitAll | drm::kSyncobjWaitFlagsWaitForSubmit |
                        drm::kSyncobjWaitFlagsWaitDeadline);
  const bool known = put_handles(first, count, &args.handles, which);
  const int error = drm::syncobj_wait_ioctl(*file, args);
  if (failed_alloc(may_fail)) return;
  check_wait("drm_syncobj_wait_ioctl", error, args.first_signaled, which, count, known, 0,
             args.flags);
}

void timeline_wait(unsigned first, uint8_t flags_and_count, uint8_t point, bool may_fail) {
  unsigned which[kVars];
  uint64_t points[kVars];
  for (uint64_t& p : points) p = point;
  drm::drm_syncobj_timeline_wait args{};
  args.points = put(256, points, sizeof points);
  args.count_handles = (flags_and_count >> 4) % (kVars + 1);
  args.flags = flags_and_count & 0xf;
  const bool known = put_handles(first, args.count_handles, &args.handles, which);
  const int error = drm::syncobj_timeline_wait_ioctl(*file, args);
  if (failed_alloc(may_fail)) return;
  check_wait("drm_syncobj_timeline_wait_ioctl", error, args.first_signaled, which,
             args.count_handles, known, point, args.flags);
}

void eventfd(unsigned var, uint8_t point, bool available, bool may_fail) {
  if (num_counters == kMaxCounters) return;
  const int fd = drm::eventfd_create(&files);
  if (fd < 0) return;
  drm::drm_syncobj_eventfd args{vars[var], available ? drm::kSyncobjWaitFlagsWaitAvailable : 0,
                                point, fd, 0};
  const int error = drm::syncobj_eventfd_ioctl(*file, args);
  const bool failed = failed_alloc(may_fail);
  if (!failed)
    expect_result(error == (object_in(var) == kNone ? -ENOENT : 0), "drm_syncobj_eventfd_ioctl",
                  "%d", error);
  if (error != 0) {
    drm::close_fd(&files, fd);
    return;
  }
  counters[num_counters++] = {fd, object_in(var), point, available, false, kNone};
  update_counters();
}

void share(unsigned var, unsigned from, bool may_fail) {
  drm::drm_syncobj_handle args{vars[from], 0, -1, 0, 0};
  const int error = drm::syncobj_handle_to_fd_ioctl(*file, args);
  if (!failed_alloc(may_fail))
    expect_result(error == (object_in(from) == kNone ? -EINVAL : 0),
                  "drm_syncobj_handle_to_fd_ioctl", "%d", error);
  if (error != 0) return;
  drm::drm_syncobj_handle back{0, 0, args.fd, 0, 0};
  if (drm::syncobj_fd_to_handle_ioctl(*file, back) == 0) {
    object_of[back.handle] = object_in(from);
    vars[var] = back.handle;
  }
  drm::close_fd(&files, args.fd);
}

// The fence of one point goes to another object through a sync file.
void copy_fence(unsigned var, unsigned from, uint8_t points, bool may_fail) {
  if (!room() || object_in(var) == kNone) return;
  const uint64_t from_point = points & 0xf, to_point = points >> 4;
  const uint32_t timeline = drm::kSyncobjHandleFlagsTimeline;
  drm::drm_syncobj_handle args{vars[from],
                               drm::kSyncobjHandleFlagsSyncFile | (from_point ? timeline : 0), -1,
                               0, from_point};
  bool found = false;
  uint16_t fence = kNone;
  if (object_in(from) != kNone)
    fence = fence_at(objects[object_in(from)].fence, from_point, &found);
  const int error = drm::syncobj_handle_to_fd_ioctl(*file, args);
  if (!failed_alloc(may_fail))
    expect_result((error == 0) == found, "drm_syncobj_handle_to_fd_ioctl", "%d", error);
  if (error != 0) return;
  drm::drm_syncobj_handle to{vars[var],
                             drm::kSyncobjHandleFlagsSyncFile | (to_point ? timeline : 0), args.fd,
                             0, to_point};
  if (drm::syncobj_fd_to_handle_ioctl(*file, to) == 0) {
    if (to_point == 0)
      replace(object_in(var), fence == kNone ? add_stub() : fence);
    else
      add_point(object_in(var), fence != kNone ? flattened(fence) : add_stub(), to_point,
                real_fence(vars[var]));
  }
  drm::close_fd(&files, args.fd);
}

// --- phases ---

void set_up() {
  model::reset();
  dma::fence_reset();
  dma::stub_init();
  drm::descriptors_init(files);
  mm = {kUserBase, sizeof memory, memory};
  file = drm::file_alloc(&mm);
  file->files = &files;
  num_objects = num_counters = 0;
  for (uint32_t& handle : vars) handle = 0;
  for (uint16_t& object : object_of) object = kNone;
  const uint64_t contexts = dma::fence_context_alloc(kFences);
  for (unsigned i = 0; i < kFences; ++i) {
    gpu_fences[i] = kernel::kzalloc_obj<dma::Fence>("fence");
    dma::fence_init(*gpu_fences[i], kOps, nullptr, contexts + i, 1, "fence", kGpu);
    gpu_model[i] = model::add(Kind::kLeaf, gpu_fences[i], contexts + i, 1, false);
  }
}

void step(const steps::Step& step) {
  kernel::task().mm = &mm;
  const bool may_fail = kernel::task().fail_alloc != 0;
  const unsigned var = step.a % kVars;
  const unsigned other = step.b % kVars;
  const unsigned count = step.b % (kVars + 1);
  switch (step.op) {
    case kCreate:
      return create(var, (step.b & 1) != 0, may_fail);
    case kDestroy:
      return destroy(var);
    case kSubmit:
      return submit(var, step.b % kFences);
    case kAddPoint:
      return submit_point(var, step.b % kFences, step.c);
    case kComplete:
      return complete(step.a % kFences);
    case kReset:
      return reset(var, count, may_fail);
    case kSignal:
      return signal(var, count, may_fail);
    case kTimelineSignal:
      return timeline_signal(var, count, step.c, may_fail);
    case kQuery:
      return query(var, (step.b & 1) != 0, may_fail);
    case kTransfer:
      return transfer(var, other, step.c, may_fail);
    case kFindFence:
      return find_fence(var, step.b);
    case kWait:
      return wait(var, count, step.c, may_fail);
    case kTimelineWait:
      return timeline_wait(var, step.b, step.c, may_fail);
    case kEventfd:
      return eventfd(var, step.b, (step.c & 1) != 0, may_fail);
    case kShare:
      return share(var, other, may_fail);
    case kCopyFence:
      return copy_fence(var, other, step.c, may_fail);
  }
}

// Waits for points that may be submitted, or never: nothing may be lost on the way.
void waiter() {
  for (unsigned round = 0; round < kWaiterRounds; ++round) {
    dma::Fence* fence = nullptr;
    const int error = drm::syncobj_find_fence(*file, 1 + round % 2, round,
                                              drm::kSyncobjWaitFlagsWaitForSubmit, &fence, kStep);
    expect_result(error == 0 || error == -ENOENT || error == -ETIME, "drm_syncobj_find_fence", "%d",
                  error);
    expect_result((error == 0) == (fence != nullptr), "drm_syncobj_find_fence",
                  "%d with or without a fence", error);
    dma::fence_put(fence, kStep);
  }
}

void tear_down() {
  kernel::task().mm = &mm;
  for (unsigned i = 0; i < kFences; ++i) {
    dma::fence_signal(*gpu_fences[i]);
    dma::fence_put(gpu_fences[i], kGpu);
  }
  // Chains complete in interrupts of their own.
  kernel::set_current_state();
  kernel::schedule_timeout("interrupts", 1);
  for (unsigned i = 0; i < num_counters; ++i) {
    uint64_t count = 0;
    drm::eventfd_read(&files, counters[i].fd, &count);
    expect_result(count == counters[i].found, "drm_syncobj_eventfd", "raised %llu times, not %d",
                  (unsigned long long)count, counters[i].found);
  }
  drm::file_free(*file);
  drm::descriptors_fini(files);
  dma::stub_fini();
}

constexpr StepTarget kTarget = {"syncobj_fuzzer", set_up, step, waiter, tear_down};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  step_target_initialize(kTarget);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  step_target_run(kTarget, data, size);
  return 0;
}
