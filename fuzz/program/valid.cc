#include "fuzz/program/valid.h"

#include <iterator>

namespace program {

uint64_t arg_max(ArgType type) {
  switch (type) {
    case ArgType::kNone:
      return 0;
    case ArgType::kQueue:
    case ArgType::kQueueResult:
    case ArgType::kBo:
    case ArgType::kBoResult:
    case ArgType::kSyncobj:
    case ArgType::kSyncobjResult:
      return kVars - 1;
    case ArgType::kBoList:
    case ArgType::kSyncobjList:
    case ArgType::kPointList:
      return SlotList::kMax;
    case ArgType::kIp:
      return static_cast<uint64_t>(Ip::kNone);
    case ArgType::kU64:
      return UINT64_MAX;
    case ArgType::kU16:
      return UINT16_MAX;
    case ArgType::kDoorbell:
      return kDoorbells - 1;
    case ArgType::kPage:
      return kPages - 1;
    case ArgType::kPriority:
      return 3;
    case ArgType::kCpu:
      return kMaxCpus - 1;
    case ArgType::kFlag:
      return 1;
  }
  return 0;
}

unsigned list_choices(ArgType type) {
  return type == ArgType::kPointList ? static_cast<unsigned>(std::size(kPoints)) : kVars;
}

bool arg_is_valid(ArgType type, uint64_t value) {
  if (!is_list(type)) return value <= arg_max(type);
  // Rebuilding the list finds entries out of range and bits beyond its end.
  unsigned size = SlotList::size(value);
  if (size > SlotList::kMax) return false;
  uint64_t rebuilt = 0;
  for (unsigned i = 0; i < size; i++) {
    rebuilt = SlotList::push(rebuilt, SlotList::at(value, i) % list_choices(type));
  }
  return rebuilt == value;
}

bool op_is_valid(const Op& op) {
  if (static_cast<unsigned>(op.kind) >= kOpKinds || !lane_is_valid(op.kind, op.lane)) return false;
  const OpSpec& spec = op_spec(op.kind);
  for (unsigned i = 0; i < kMaxArgs; i++) {
    if (!arg_is_valid(spec.args[i].type, op.args[i])) return false;
  }
  return true;
}

bool is_valid(const Program& program) {
  const DeviceConfig& device = program.device;
  if (device.cpus < 1 || device.cpus > kMaxCpus) return false;
  if (device.seq64_slots < 1 || device.seq64_slots > kMaxSeq64Slots) return false;
  if (program.ops.size() > kMaxOps || program.schedule.size() > kMaxPreemptions) return false;
  for (const Op& op : program.ops) {
    if (!op_is_valid(op)) return false;
  }
  for (const Preemption& preemption : program.schedule) {
    if (preemption.after > kMaxAfter) return false;
    if (static_cast<unsigned>(preemption.to) >= kTargets) return false;
  }
  return true;
}

}  // namespace program
