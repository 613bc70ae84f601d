// The operations of the input language, as a table: the codec, the text form, the mutator and the
// runner all read it, so a new operation is one enumerator, one row in ops.cc and one case in
// run.cc.
#pragma once

#include <cstdint>

namespace program {

enum class OpKind : uint8_t {
  kQueueCreate,     // user-queue ioctl, op CREATE
  kQueueFree,       // user-queue ioctl, op FREE
  kSignal,          // the user writes wptr, then calls the signal ioctl
  kWait,            // the wait ioctl: num_fences=0 counts, more fills
  kSyncobjCreate,   //
  kSyncobjDestroy,  //
  kSyncobjReset,    //
  kSyncobjSignal,   //
  kGpuWrite,        // the GPU writes its progress (rptr) to the queue's fence slot
  kEop,             // an end-of-pipe interrupt for the queue's doorbell arrives on a CPU
  kFileClose,       // the thread's process closes its DRM file
  kFileOpen,        // and opens it again
  kKill,            // the thread's process is killed: its sleeps end, its file is closed
  kBoCreate,        //
  kBoClose,         // GEM_CLOSE of the handle
  kBoMove,       // memory management moves the buffer: waits for its fences, or asks them to signal
  kUserptrGone,  // the process unmaps the pages behind a userptr buffer
  kVaMap,        // GEM_VA: the buffer appears at a page of the GPU's address space
  kVaUnmap,      //
  kTimelineSignal,  //
  kTransfer,        // syncobj transfer
  kQuery,           // syncobj query
  kSyncobjWait,     //
  kTimelineWait,    //
  kEventfd,         // an event counter is signaled with the syncobj
  kImport,          // the other process exports the syncobj, this one imports it
  kCopyFence,       // the fence of a syncobj goes to another one through a sync file
  kGpuHang,         // the hardware queue makes no progress from here on
  kFirmwareFail,    // the n-th firmware request from here on fails
  kGpuReset,        //
  kSuspend,         // the system goes to sleep
  kResume,          //
  kIsolationStart,  // an engine is used exclusively: user queues stop
  kIsolationStop,   //
  kRest,            // the thread sleeps
  kWorkFailAlloc,   // the n-th allocation of each worker from here on fails
  kCount,
};
inline constexpr unsigned kOpKinds = static_cast<unsigned>(OpKind::kCount);

enum class ArgType : uint8_t {
  kNone,
  kQueue,          // queue variable 0..7, written A..H; whatever handle it holds, stale or none
  kQueueResult,    // queue variable that receives the result
  kBo,             // buffer variable 0..7, written I..P; P is at first the memory of all queues
  kBoResult,       // likewise as result
  kSyncobj,        // syncobj variable 0..7, written S..Z
  kSyncobjResult,  // likewise as result
  kBoList,         // packed SlotList of buffer variables, written [I,J]
  kSyncobjList,    // packed SlotList of syncobj variables, written [S,T]
  kPointList,      // packed SlotList of indices into kPoints, written [1,7]
  kIp,             // engine: gfx, compute, sdma, or `none` (not a user-queue engine)
  kU64,            // any 64-bit number
  kU16,            // any 16-bit number
  kDoorbell,       // doorbell of the process's doorbell page, 0..15
  kPage,           // page 0..15 of the part of the GPU's address space that programs use
  kPriority,       // 0..3
  kCpu,            // CPU number 0..3; taken modulo the CPUs of the device when run
  kFlag,           // 0 or 1, written as the bare word `name` when 1 and left out when 0
};

// What variables stand for; each kind has kVars of them, one letter each.
enum class Var : uint8_t { kQueue, kBo, kSyncobj };
inline constexpr unsigned kVarKinds = 3;
inline constexpr unsigned kVars = 8;
inline constexpr char kFirstVarName[kVarKinds] = {'A', 'I', 'S'};

inline bool is_list(ArgType type) {
  return type == ArgType::kBoList || type == ArgType::kSyncobjList || type == ArgType::kPointList;
}
// Results are written `A = ` before the operation.
inline bool is_result(ArgType type) {
  return type == ArgType::kQueueResult || type == ArgType::kBoResult ||
         type == ArgType::kSyncobjResult;
}
// Whether the argument is a variable, or a list of them.
inline bool is_variable(ArgType type) {
  return type >= ArgType::kQueue && type <= ArgType::kSyncobjList;
}
// Of which kind; is_variable(type).
inline Var var_kind(ArgType type) {
  switch (type) {
    case ArgType::kQueue:
    case ArgType::kQueueResult:
      return Var::kQueue;
    case ArgType::kBo:
    case ArgType::kBoResult:
    case ArgType::kBoList:
      return Var::kBo;
    default:
      return Var::kSyncobj;
  }
}

inline constexpr unsigned kMaxArgs = 7;
inline constexpr unsigned kDoorbells = 16;
inline constexpr unsigned kPages = 16;

// The points that a list of points can name: the usual ones, and those around which counters break.
inline constexpr uint64_t kPoints[16] = {0,
                                         1,
                                         2,
                                         3,
                                         4,
                                         5,
                                         6,
                                         7,
                                         8,
                                         9,
                                         10,
                                         16,
                                         0xffffffff,
                                         0x100000001,
                                         0x8000000000000000,
                                         0xffffffffffffffff};

enum class Ip : uint8_t { kGfx, kCompute, kSdma, kNone };

// A list of up to 8 entries of 0..15, with order and repetitions, packed into one argument: bits
// 0..3 the length, then four bits an entry.
struct SlotList {
  static constexpr unsigned kMax = 8;
  static unsigned size(uint64_t packed) { return packed & 0xf; }
  static unsigned at(uint64_t packed, unsigned i) { return (packed >> (4 + 4 * i)) & 0xf; }
  static uint64_t push(uint64_t packed, unsigned slot) {
    unsigned n = size(packed);
    return ((packed & ~uint64_t{0xf}) | (n + 1)) | (uint64_t{slot} << (4 + 4 * n));
  }
};

// name == nullptr: written by position. An argument equal to `preset` is left out of the text.
struct ArgSpec {
  ArgType type = ArgType::kNone;
  const char* name = nullptr;
  uint64_t preset = 0;
};

struct OpSpec {
  const char* name;
  bool irq_lane;    // may stand on lane irq
  unsigned weight;  // how often the mutator inserts it, relative to the others
  ArgSpec args[kMaxArgs];
};

const OpSpec& op_spec(OpKind kind);

}  // namespace program
