#include "fuzz/program/ops.h"

namespace program {

namespace {

using enum ArgType;

// Name, may stand on lane irq, weight, arguments.
constexpr OpSpec kSpecs[kOpKinds] = {
    {"queue_create", false, 8, {{kQueueResult}, {kIp}, {kDoorbell, "doorbell"}}},
    {"queue_free", false, 7, {{kQueue}}},
    {"signal", false, 24, {{kQueue}, {kU64, "wptr"}, {kSyncobjList, "syncobjs"}}},
    {"wait", false, 22, {{kQueue}, {kSyncobjList, "syncobjs"}, {kU16, "num_fences"}}},
    {"syncobj_create", false, 6, {{kSyncobjResult}, {kFlag, "signaled"}}},
    {"syncobj_destroy", false, 3, {{kSyncobj}}},
    {"syncobj_reset", false, 3, {{kSyncobj}}},
    {"syncobj_signal", false, 3, {{kSyncobj}}},
    {"gpu_write", false, 12, {{kQueue}, {kU64, "rptr"}}},
    {"eop", true, 10, {{kQueue}, {kCpu, "cpu"}}},
    {"file_close", false, 2, {}},
};

}  // namespace

const OpSpec& op_spec(OpKind kind) { return kSpecs[static_cast<unsigned>(kind)]; }

}  // namespace program
