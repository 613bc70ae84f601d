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
  kCount,
};
inline constexpr unsigned kOpKinds = static_cast<unsigned>(OpKind::kCount);

enum class ArgType : uint8_t {
  kNone,
  kQueue,          // queue variable 0..7, written A..H; whatever handle it holds, stale or none
  kQueueResult,    // queue variable that receives the result
  kSyncobj,        // syncobj variable 0..7, written S..Z
  kSyncobjResult,  // likewise as result
  kSyncobjList,    // packed SlotList of syncobj variables, written [S,T]
  kIp,             // engine: gfx, compute, sdma, or `none` (not a user-queue engine)
  kU64,            // any 64-bit number
  kU16,            // any 16-bit number
  kDoorbell,       // doorbell index 0..15
  kCpu,            // CPU number 0..3; taken modulo the CPUs of the device when run
  kFlag,           // 0 or 1, written as the bare word `name` when 1 and left out when 0
};

// Results are written `A = ` before the operation.
inline bool is_result(ArgType type) {
  return type == ArgType::kQueueResult || type == ArgType::kSyncobjResult;
}
inline bool is_queue(ArgType type) {
  return type == ArgType::kQueue || type == ArgType::kQueueResult;
}

inline constexpr unsigned kMaxArgs = 4;
inline constexpr unsigned kQueueVars = 8;
inline constexpr unsigned kSyncobjVars = 8;
inline constexpr unsigned kDoorbells = 16;

enum class Ip : uint8_t { kGfx, kCompute, kSdma, kNone };

// A list of up to 8 syncobj variables, with order and repetitions, packed into one argument:
// bits 0..3 the length, then four bits an entry.
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
