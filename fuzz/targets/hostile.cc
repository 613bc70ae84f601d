#include "fuzz/targets/hostile.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "core/drm/gem.h"
#include "core/drm/uapi_syncobj.h"
#include "core/sut.h"
#include "core/userq/uapi_gem.h"
#include "core/userq/uapi_userq.h"

namespace hostile {

namespace {

using namespace drm;
using namespace userq;

#define FIELD(type, member, kind) \
  {#member, Kind::kind, offsetof(type, member), sizeof(type::member)}

constexpr Ioctl kIoctls[] = {
    {SUT_IOCTL_USERQ,
     "userq",
     {FIELD(drm_amdgpu_userq_in, op, kFlags), FIELD(drm_amdgpu_userq_in, queue_id, kHandle),
      FIELD(drm_amdgpu_userq_in, ip_type, kHandle),
      FIELD(drm_amdgpu_userq_in, doorbell_handle, kHandle),
      FIELD(drm_amdgpu_userq_in, doorbell_offset, kHandle),
      FIELD(drm_amdgpu_userq_in, flags, kFlags), FIELD(drm_amdgpu_userq_in, queue_va, kAddress),
      FIELD(drm_amdgpu_userq_in, queue_size, kAddress),
      FIELD(drm_amdgpu_userq_in, rptr_va, kAddress), FIELD(drm_amdgpu_userq_in, wptr_va, kAddress),
      FIELD(drm_amdgpu_userq_in, mqd, kPad), FIELD(drm_amdgpu_userq_in, mqd_size, kPad)}},
    {SUT_IOCTL_USERQ_SIGNAL,
     "signal",
     {FIELD(drm_amdgpu_userq_signal, queue_id, kHandle), FIELD(drm_amdgpu_userq_signal, pad, kPad),
      FIELD(drm_amdgpu_userq_signal, syncobj_handles, kPointer),
      FIELD(drm_amdgpu_userq_signal, num_syncobj_handles, kCount),
      FIELD(drm_amdgpu_userq_signal, bo_read_handles, kPointer),
      FIELD(drm_amdgpu_userq_signal, bo_write_handles, kPointer),
      FIELD(drm_amdgpu_userq_signal, num_bo_read_handles, kCount),
      FIELD(drm_amdgpu_userq_signal, num_bo_write_handles, kCount)}},
    {SUT_IOCTL_USERQ_WAIT,
     "wait",
     {FIELD(drm_amdgpu_userq_wait, waitq_id, kHandle),
      FIELD(drm_amdgpu_userq_wait, syncobj_handles, kPointer),
      FIELD(drm_amdgpu_userq_wait, syncobj_timeline_handles, kPointer),
      FIELD(drm_amdgpu_userq_wait, syncobj_timeline_points, kPointer),
      FIELD(drm_amdgpu_userq_wait, bo_read_handles, kPointer),
      FIELD(drm_amdgpu_userq_wait, bo_write_handles, kPointer),
      FIELD(drm_amdgpu_userq_wait, num_syncobj_timeline_handles, kCount),
      FIELD(drm_amdgpu_userq_wait, num_fences, kCount),
      FIELD(drm_amdgpu_userq_wait, num_syncobj_handles, kCount),
      FIELD(drm_amdgpu_userq_wait, num_bo_read_handles, kCount),
      FIELD(drm_amdgpu_userq_wait, num_bo_write_handles, kCount),
      FIELD(drm_amdgpu_userq_wait, out_fences, kPointer)}},
    {SUT_IOCTL_GEM_CREATE,
     "gem_create",
     {FIELD(drm_amdgpu_gem_create_in, bo_size, kAddress),
      FIELD(drm_amdgpu_gem_create_in, alignment, kAddress),
      FIELD(drm_amdgpu_gem_create_in, domains, kFlags),
      FIELD(drm_amdgpu_gem_create_in, domain_flags, kFlags)}},
    {SUT_IOCTL_GEM_USERPTR,
     "gem_userptr",
     {FIELD(drm_amdgpu_gem_userptr, addr, kPointer), FIELD(drm_amdgpu_gem_userptr, size, kAddress),
      FIELD(drm_amdgpu_gem_userptr, flags, kFlags)}},
    {SUT_IOCTL_GEM_VA,
     "gem_va",
     {FIELD(drm_amdgpu_gem_va, handle, kHandle), FIELD(drm_amdgpu_gem_va, operation, kHandle),
      FIELD(drm_amdgpu_gem_va, flags, kFlags), FIELD(drm_amdgpu_gem_va, va_address, kAddress),
      FIELD(drm_amdgpu_gem_va, offset_in_bo, kAddress),
      FIELD(drm_amdgpu_gem_va, map_size, kAddress),
      FIELD(drm_amdgpu_gem_va, vm_timeline_point, kNumber),
      FIELD(drm_amdgpu_gem_va, vm_timeline_syncobj_out, kHandle),
      FIELD(drm_amdgpu_gem_va, num_syncobj_handles, kCount),
      FIELD(drm_amdgpu_gem_va, input_fence_syncobj_handles, kPointer),
      FIELD(drm_amdgpu_gem_va, pad, kPad)}},
    {SUT_IOCTL_GEM_CLOSE, "gem_close", {FIELD(drm_gem_close, handle, kHandle)}},
    {SUT_IOCTL_SYNCOBJ_CREATE, "syncobj_create", {FIELD(drm_syncobj_create, flags, kFlags)}},
    {SUT_IOCTL_SYNCOBJ_DESTROY,
     "syncobj_destroy",
     {FIELD(drm_syncobj_destroy, handle, kHandle), FIELD(drm_syncobj_destroy, pad, kPad)}},
    {SUT_IOCTL_SYNCOBJ_HANDLE_TO_FD,
     "handle_to_fd",
     {FIELD(drm_syncobj_handle, handle, kHandle), FIELD(drm_syncobj_handle, flags, kFlags),
      FIELD(drm_syncobj_handle, fd, kHandle), FIELD(drm_syncobj_handle, pad, kPad),
      FIELD(drm_syncobj_handle, point, kNumber)}},
    {SUT_IOCTL_SYNCOBJ_FD_TO_HANDLE,
     "fd_to_handle",
     {FIELD(drm_syncobj_handle, handle, kHandle), FIELD(drm_syncobj_handle, flags, kFlags),
      FIELD(drm_syncobj_handle, fd, kHandle), FIELD(drm_syncobj_handle, pad, kPad),
      FIELD(drm_syncobj_handle, point, kNumber)}},
    {SUT_IOCTL_SYNCOBJ_WAIT,
     "syncobj_wait",
     {FIELD(drm_syncobj_wait, handles, kPointer), FIELD(drm_syncobj_wait, timeout_nsec, kTime),
      FIELD(drm_syncobj_wait, count_handles, kCount), FIELD(drm_syncobj_wait, flags, kFlags),
      FIELD(drm_syncobj_wait, deadline_nsec, kTime)}},
    {SUT_IOCTL_SYNCOBJ_RESET,
     "syncobj_reset",
     {FIELD(drm_syncobj_array, handles, kPointer), FIELD(drm_syncobj_array, count_handles, kCount),
      FIELD(drm_syncobj_array, pad, kPad)}},
    {SUT_IOCTL_SYNCOBJ_SIGNAL,
     "syncobj_signal",
     {FIELD(drm_syncobj_array, handles, kPointer), FIELD(drm_syncobj_array, count_handles, kCount),
      FIELD(drm_syncobj_array, pad, kPad)}},
    {SUT_IOCTL_SYNCOBJ_TIMELINE_WAIT,
     "timeline_wait",
     {FIELD(drm_syncobj_timeline_wait, handles, kPointer),
      FIELD(drm_syncobj_timeline_wait, points, kPointer),
      FIELD(drm_syncobj_timeline_wait, timeout_nsec, kTime),
      FIELD(drm_syncobj_timeline_wait, count_handles, kCount),
      FIELD(drm_syncobj_timeline_wait, flags, kFlags)}},
    {SUT_IOCTL_SYNCOBJ_QUERY,
     "query",
     {FIELD(drm_syncobj_timeline_array, handles, kPointer),
      FIELD(drm_syncobj_timeline_array, points, kPointer),
      FIELD(drm_syncobj_timeline_array, count_handles, kCount),
      FIELD(drm_syncobj_timeline_array, flags, kFlags)}},
    {SUT_IOCTL_SYNCOBJ_TRANSFER,
     "transfer",
     {FIELD(drm_syncobj_transfer, src_handle, kHandle),
      FIELD(drm_syncobj_transfer, dst_handle, kHandle),
      FIELD(drm_syncobj_transfer, src_point, kNumber),
      FIELD(drm_syncobj_transfer, dst_point, kNumber), FIELD(drm_syncobj_transfer, flags, kFlags),
      FIELD(drm_syncobj_transfer, pad, kPad)}},
    {SUT_IOCTL_SYNCOBJ_TIMELINE_SIGNAL,
     "timeline_signal",
     {FIELD(drm_syncobj_timeline_array, handles, kPointer),
      FIELD(drm_syncobj_timeline_array, points, kPointer),
      FIELD(drm_syncobj_timeline_array, count_handles, kCount),
      FIELD(drm_syncobj_timeline_array, flags, kFlags)}},
    {SUT_IOCTL_SYNCOBJ_EVENTFD,
     "eventfd",
     {FIELD(drm_syncobj_eventfd, handle, kHandle), FIELD(drm_syncobj_eventfd, flags, kFlags),
      FIELD(drm_syncobj_eventfd, point, kNumber), FIELD(drm_syncobj_eventfd, fd, kHandle),
      FIELD(drm_syncobj_eventfd, pad, kPad)}},
    {0xff, "unknown", {}},
};

#undef FIELD

constexpr uint64_t kBase = SUT_USER_BASE;
constexpr uint64_t kEnd = SUT_USER_BASE + SUT_USER_SIZE;
constexpr uint64_t kMax = UINT64_MAX;

// What is likely to be right comes first.
constexpr uint64_t kPointers[] = {kBase + kHandles,
                                  kBase + kPointsArray,
                                  kBase + kOutput,
                                  kBase + kBadHandles,
                                  kBase + kZeros,
                                  kBase + 4,
                                  kBase + kPointsArray + 8,
                                  kBase + kOutput + 16,
                                  0,
                                  kBase + 1,
                                  kBase + kOutput + 3,  // misaligned
                                  kEnd - 4,
                                  kEnd - 8,
                                  kEnd - 1,
                                  kEnd,  // the end of the memory, and across it
                                  kBase - 4,
                                  kBase - 1,
                                  8,  // not mapped
                                  kMax,
                                  kMax - 3,
                                  kMax - 0xfff,
                                  kMax >> 1,
                                  (kMax >> 1) + 1,
                                  uint64_t{1} << 47};

constexpr uint64_t kCounts[] = {1,
                                0,
                                2,
                                3,
                                4,
                                8,
                                16,
                                64,
                                255,
                                0xfff,
                                0xffff,
                                0x10000,
                                0x10001,
                                0x7fffffff,
                                0x80000000,
                                0xffffffff,
                                0x100000000,
                                0x100000001,
                                0x4000000000000001,
                                0x8000000000000000,
                                kMax,
                                0x40000001};  // four times that is 4, in 32 bits

constexpr uint64_t kNumbers[] = {0,
                                 1,
                                 2,
                                 3,
                                 4,
                                 5,
                                 8,
                                 16,
                                 0xffff,
                                 0x10000,
                                 0x7fffffff,
                                 0x80000000,
                                 0xffffffff,
                                 0x100000000,
                                 0x100000001,
                                 0x7fffffffffffffff,
                                 0x8000000000000000,
                                 kMax - 1,
                                 kMax};

constexpr uint64_t kGpu = 0x100000;
constexpr uint64_t kAddresses[] = {kGpu,
                                   0x1000,
                                   0x2000,
                                   kGpu + 0x1000,
                                   kGpu + 0x1010,
                                   kGpu + 0x1018,
                                   0,
                                   kGpu + 0x2000,
                                   kGpu + 0x4000,
                                   kGpu + 0x8000,
                                   0x4000,
                                   0x8000,
                                   1,
                                   8,
                                   0xfff,
                                   0x1001,
                                   3,
                                   kGpu + 1,
                                   kGpu - 8,
                                   kGpu + 0x1ffc,
                                   0x10000,
                                   0x100000,
                                   0x101000,
                                   0x7ffffffff000,
                                   0x800000000000,
                                   0xffff800000000000,
                                   0xffff7ffffffff000,
                                   uint64_t{1} << 31,
                                   uint64_t{1} << 32,
                                   uint64_t{1} << 63,
                                   kMax,
                                   kMax - 0xfff};

constexpr uint64_t kTimes[] = {0, 1, 1'000'000, 6'000'000'000, kMax >> 1, kMax, uint64_t{1} << 63};

template <size_t n>
uint64_t pick(const uint64_t (&values)[n], uint8_t selector) {
  return values[selector % n];
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

unsigned field_count(const Ioctl& ioctl) {
  unsigned n = 0;
  while (n < kMaxFields && ioctl.fields[n].name != nullptr) ++n;
  return n;
}

size_t decode(const uint8_t* data, size_t size, Call& call) {
  call = {};
  if (size == 0) return 0;
  call.ioctl = &kIoctls[(data[0] & 0x7f) % std::size(kIoctls)];
  call.second_process = (data[0] & 0x80) != 0;
  const size_t fields = std::min<size_t>(field_count(*call.ioctl), size - 1);
  std::memcpy(call.selectors, data + 1, fields);
  return 1 + fields;
}

uint64_t value_of(Kind kind, uint8_t selector) {
  switch (kind) {
    case Kind::kPointer:
      return pick(kPointers, selector);
    case Kind::kCount:
      return pick(kCounts, selector);
    case Kind::kHandle:
      // 1 first; most of the others are small, too.
      return selector < 32 ? (selector == 0   ? 1
                              : selector == 1 ? 0
                                              : selector)
                           : pick(kNumbers, selector);
    case Kind::kFlags:
      return selector < 0xf0 ? selector : uint64_t{1} << (8 + 3 * (selector & 0xf));
    case Kind::kNumber:
      return pick(kNumbers, selector);
    case Kind::kAddress:
      return pick(kAddresses, selector);
    case Kind::kTime:
      return pick(kTimes, selector);
    case Kind::kPad:
      return selector < 0xc0 ? 0 : pick(kNumbers, selector);
  }
  return 0;
}

size_t format(const Call& call, char* buffer, size_t capacity) {
  size_t used = 0;
  auto put = [&](const char* text, const char* more, int number) {
    if (used >= capacity) return;
    const int n =
        number < 0 ? std::snprintf(buffer + used, capacity - used, "%s%s", text, more)
                   : std::snprintf(buffer + used, capacity - used, "%s%s=%d", text, more, number);
    if (n > 0) used = std::min(used + static_cast<size_t>(n), capacity - 1);
  };
  put(call.second_process ? "p1: " : "", call.ioctl->name, -1);
  for (unsigned i = 0; i < field_count(*call.ioctl); ++i)
    if (call.selectors[i] != 0) put(" ", call.ioctl->fields[i].name, call.selectors[i]);
  return used;
}

bool parse(const char* line, Call& call, const char** error) {
  *error = nullptr;
  call = {};
  auto skip = [&] {
    while (is_blank(*line)) ++line;
  };
  // The word up to `end` or a blank; *line behind it.
  auto word = [&](char* out, size_t capacity, char end) {
    size_t n = 0;
    for (; *line != 0 && *line != '#' && *line != end && !is_blank(*line); ++line)
      if (n + 1 < capacity) out[n++] = *line;
    out[n] = 0;
  };
  skip();
  if (*line == 0 || *line == '#') return false;
  char text[64];
  word(text, sizeof text, 0);
  if (std::strcmp(text, "p1:") == 0) {
    call.second_process = true;
    skip();
    word(text, sizeof text, 0);
  }
  for (const Ioctl& ioctl : kIoctls)
    if (std::strcmp(ioctl.name, text) == 0) call.ioctl = &ioctl;
  if (call.ioctl == nullptr) {
    *error = "no such ioctl";
    return false;
  }
  for (skip(); *line != 0 && *line != '#'; skip()) {
    word(text, sizeof text, '=');
    unsigned field = 0;
    while (field < field_count(*call.ioctl) &&
           std::strcmp(call.ioctl->fields[field].name, text) != 0)
      ++field;
    if (*line != '=' || field == field_count(*call.ioctl)) {
      *error = "expected field=selector, with a field of this ioctl";
      return false;
    }
    char* end = nullptr;
    const unsigned long selector = std::strtoul(++line, &end, 0);
    if (end == line || *line == '-' || selector > 255) {
      *error = "a selector is a number from 0 to 255";
      return false;
    }
    line = end;
    call.selectors[field] = static_cast<uint8_t>(selector);
  }
  return true;
}

size_t encode(const Call& call, uint8_t* data) {
  data[0] = static_cast<uint8_t>((call.ioctl - kIoctls) | (call.second_process ? 0x80 : 0));
  const unsigned fields = field_count(*call.ioctl);
  std::memcpy(data + 1, call.selectors, fields);
  return 1 + fields;
}

}  // namespace hostile
