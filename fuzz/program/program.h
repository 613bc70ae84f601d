// The input language of fencebench: what a program is.
//
// A program is a device configuration, a list of operations each on a lane, and a schedule. It is
// plain data: codec.h turns it into bytes and back, text.h into the `.fence` form and back, run.h
// executes it.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "fuzz/program/ops.h"

namespace program {

inline constexpr unsigned kMaxOps = 256;  // operations beyond this are dropped by the decoder
inline constexpr unsigned kMaxPreemptions = 64;  // likewise for preemptions
inline constexpr unsigned kThreads = 8;          // lanes t0..t7
inline constexpr uint8_t kIrqLane =
    kThreads;  // lane `irq`: interrupts that arrive when the schedule says so
inline constexpr unsigned kLanes = kThreads + 1;
inline constexpr unsigned kMaxCpus = 4;
inline constexpr unsigned kMaxSeq64Slots = 64;
inline constexpr unsigned kFiles = 2;  // open DRM files; threads of process 1 use the second

// The machine and the processes the program runs on.
struct DeviceConfig {
  uint8_t cpus = 2;          // 1..kMaxCpus; thread i is pinned to CPU i % cpus
  uint8_t seq64_slots = 64;  // 1..kMaxSeq64Slots fence slots before allocation fails with -ENOSPC
  uint8_t second_process =
      0;  // bit i: thread i belongs to process 1, which has a DRM file of its own

  bool operator==(const DeviceConfig&) const = default;
};

// Faults injected into one operation; 0 or false means none.
struct Faults {
  uint8_t fail_alloc = 0;       // the n-th kernel allocation of the operation fails
  uint8_t fail_copy = 0;        // the n-th user copy of the operation faults
  bool signal_pending = false;  // a signal is pending: interruptible sleeps return -ERESTARTSYS

  bool operator==(const Faults&) const = default;
};

// One operation. The meaning of args[i] is given by op_spec(kind).args[i]; unused ones are 0.
struct Op {
  OpKind kind = OpKind::kQueueCreate;
  uint8_t lane = 0;  // 0..7 a thread, kIrqLane only for operations whose spec allows it
  std::array<uint64_t, kMaxArgs> args{};
  Faults faults;

  bool operator==(const Op&) const = default;
};

// Who a preemption switches to.
enum class Target : uint8_t {
  kThread0 = 0,            // kThread0 + i: thread i, if it can run
  kIrq = kThreads,         // the next operation of lane irq is delivered
  kRcu = kThreads + 1,     // RCU callbacks whose grace period has ended run
  kWorker = kThreads + 2,  // the next queued work item runs
  kTimer = kThreads + 3,   // time passes until the next timer fires; nobody is switched to
};
inline constexpr unsigned kTargets = kThreads + 4;
inline constexpr uint32_t kMaxAfter = (1u << 20) - 1;  // largest Preemption::after

// After `after` further scheduling points (counted from the previous preemption) switch to `to`.
// A preemption whose target cannot run at that point is ignored.
struct Preemption {
  uint32_t after = 0;
  Target to = Target::kThread0;

  bool operator==(const Preemption&) const = default;
};

struct Program {
  DeviceConfig device;
  std::vector<Op> ops;
  std::vector<Preemption> schedule;

  bool operator==(const Program&) const = default;
};

}  // namespace program
