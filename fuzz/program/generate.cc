#include "fuzz/program/generate.h"

#include <algorithm>
#include <bit>
#include <string_view>

#include "fuzz/program/valid.h"

namespace program {

namespace {

// What the operations before some place in the list have left. Lanes are taken to run in list
// order; where the schedule has it otherwise this is a guess, and a wrong guess is only a stale
// handle.
struct Scope {
  // Sets of variables by their kind, bit i for variable i.
  uint32_t live[kVarKinds] = {};
  uint32_t stale[kVarKinds] = {};
  uint32_t listed[kVarKinds] = {};  // named in a list before: these are likely to hold a fence
  uint32_t doorbells = 0;           // given to some queue before
};

// The operation after which its variable holds a stale handle.
bool ends_variable(OpKind kind) {
  return kind == OpKind::kQueueFree || kind == OpKind::kBoClose || kind == OpKind::kSyncobjDestroy;
}

Scope scope_before(const Program& program, size_t at) {
  Scope scope;
  scope.live[static_cast<unsigned>(Var::kBo)] = 1u << (kVars - 1);  // P, from the start
  for (size_t i = 0; i < at; i++) {
    const Op& op = program.ops[i];
    const OpSpec& spec = op_spec(op.kind);
    for (unsigned a = 0; a < kMaxArgs; a++) {
      const uint64_t value = op.args[a];
      const ArgType type = spec.args[a].type;
      const uint32_t bit = 1u << (value & 31);
      if (type == ArgType::kDoorbell) scope.doorbells |= bit;
      if (!is_variable(type)) continue;
      const unsigned kind = static_cast<unsigned>(var_kind(type));
      if (is_result(type)) scope.live[kind] |= bit;
      if (is_list(type)) {
        for (unsigned k = 0; k < SlotList::size(value); k++)
          scope.listed[kind] |= 1u << SlotList::at(value, k);
      } else if (ends_variable(op.kind)) {
        scope.live[kind] &= ~bit;
        scope.stale[kind] |= bit;
      }
    }
  }
  for (unsigned kind = 0; kind < kVarKinds; kind++) {
    scope.stale[kind] &= ~scope.live[kind];
    scope.listed[kind] &= scope.live[kind];
  }
  return scope;
}

unsigned pick_bit(uint32_t set, Rng& rng) {
  for (unsigned skip = rng.below(static_cast<unsigned>(std::popcount(set))); skip; skip--)
    set &= set - 1;
  return static_cast<unsigned>(std::countr_zero(set));
}

unsigned random_var(uint32_t live, uint32_t stale, Rng& rng) {
  if (live && rng.percent(88)) return pick_bit(live, rng);
  if (stale && rng.percent(70)) return pick_bit(stale, rng);
  return rng.below(rng.percent(70) ? 2 : kVars);
}

// Mostly the first variable that holds nothing.
unsigned random_result(uint32_t live, Rng& rng) {
  uint32_t free = ~live & ((1u << kVars) - 1);
  if (free && rng.percent(80)) return static_cast<unsigned>(std::countr_zero(free));
  return rng.below(rng.percent(70) ? 2 : kVars);
}

unsigned random_point(Rng& rng) { return rng.below(rng.percent(80) ? 5 : std::size(kPoints)); }

unsigned random_entry(const Scope& scope, ArgType type, Rng& rng) {
  if (type == ArgType::kPointList) return random_point(rng);
  const unsigned kind = static_cast<unsigned>(var_kind(type));
  const bool prefer_listed = scope.listed[kind] && rng.percent(60);
  return random_var(prefer_listed ? scope.listed[kind] : scope.live[kind], scope.stale[kind], rng);
}

// Lists of buffers, timelines and points are mostly empty: operations without them get further.
uint64_t random_list(const Scope& scope, ArgType type, bool optional, Rng& rng) {
  if (rng.percent(optional ? 92 : 10)) return 0;
  unsigned size = 1;
  while (size < SlotList::kMax && rng.percent(25)) size++;
  uint64_t list = 0;
  for (unsigned i = 0; i < size; i++) list = SlotList::push(list, random_entry(scope, type, rng));
  return list;
}

constexpr uint64_t kBoundaries[] = {15,
                                    16,
                                    255,
                                    256,
                                    0x7fffffff,
                                    0x80000000,
                                    0xffffffff,
                                    0x100000000,
                                    0x7fffffffffffffff,
                                    0x8000000000000000,
                                    0xfffffffffffffffe,
                                    0xffffffffffffffff};

uint64_t random_boundary(Rng& rng) { return kBoundaries[rng.below(std::size(kBoundaries))]; }

// A number that some operation uses, or a neighbour of it; 1 if there is none.
uint64_t seen_number(const Program& program, Rng& rng) {
  uint64_t value = 1;
  unsigned seen = 0;
  for (const Op& op : program.ops) {
    const OpSpec& spec = op_spec(op.kind);
    for (unsigned a = 0; a < kMaxArgs; a++) {
      if (spec.args[a].type == ArgType::kU64 && rng.below(++seen) == 0) value = op.args[a];
    }
  }
  return rng.percent(50) ? value : value + rng.below(3) - 1;
}

uint64_t random_number(const Program& program, Rng& rng) {
  unsigned way = rng.below(100);
  if (way < 22) return 0;
  if (way < 57) return 1 + rng.below(4);
  if (way < 83) return seen_number(program, rng);
  if (way < 95) return rng.below(16);
  return rng.percent(80) ? random_boundary(rng) : rng.next();
}

uint64_t random_small_count(Rng& rng) {
  constexpr uint64_t kUsual[] = {0, 0, 1, 1, 1, 2, 8, 8};
  unsigned way = rng.below(100);
  if (way < 88) return kUsual[rng.below(std::size(kUsual))];
  return way < 96 ? rng.below(16) : random_boundary(rng) & UINT16_MAX;
}

uint64_t random_ip(Rng& rng) {
  unsigned way = rng.below(100);
  return static_cast<uint64_t>(way < 50   ? Ip::kGfx
                               : way < 75 ? Ip::kCompute
                               : way < 96 ? Ip::kSdma
                                          : Ip::kNone);
}

// Mostly one that no other queue has: a second queue on a doorbell cannot be created.
uint64_t random_doorbell(uint32_t taken, Rng& rng) {
  unsigned fresh = static_cast<unsigned>(std::countr_one(taken));
  if (fresh < kDoorbells && rng.percent(85)) return fresh;
  return rng.below(rng.percent(70) ? 4 : kDoorbells);
}

uint64_t random_value(const Program& program, const Scope& scope, const ArgSpec& arg, Rng& rng) {
  const ArgType type = arg.type;
  const bool optional = arg.name != nullptr && std::string_view(arg.name) != "syncobjs";
  switch (type) {
    case ArgType::kNone:
      return 0;
    case ArgType::kQueue:
    case ArgType::kBo:
    case ArgType::kSyncobj: {
      const unsigned kind = static_cast<unsigned>(var_kind(type));
      return random_var(scope.live[kind], scope.stale[kind], rng);
    }
    case ArgType::kQueueResult:
    case ArgType::kBoResult:
    case ArgType::kSyncobjResult:
      return random_result(scope.live[static_cast<unsigned>(var_kind(type))], rng);
    case ArgType::kSyncobjList:
      return random_list(scope, type, optional, rng);
    case ArgType::kBoList:
    case ArgType::kPointList:
      return random_list(scope, type, true, rng);
    case ArgType::kIp:
      return random_ip(rng);
    case ArgType::kU64:
      return random_number(program, rng);
    case ArgType::kU16:
      return random_small_count(rng);
    case ArgType::kDoorbell:
      return random_doorbell(scope.doorbells, rng);
    case ArgType::kPage:
      return rng.percent(80) ? arg.preset : rng.below(kPages);
    case ArgType::kPriority:
      return rng.percent(92) ? 0 : rng.below(4);
    case ArgType::kCpu:
      return rng.below(rng.percent(80) ? program.device.cpus : kMaxCpus);
    case ArgType::kFlag:
      return rng.percent(12);
  }
  return 0;
}

OpKind random_kind(const Swarm& swarm, Rng& rng) {
  unsigned total = 0;
  for (const uint32_t weight : swarm.weight) total += weight;
  if (total == 0) return OpKind::kQueueCreate;
  unsigned ticket = rng.below(total);
  unsigned kind = 0;
  while (ticket >= swarm.weight[kind]) ticket -= swarm.weight[kind++];
  return static_cast<OpKind>(kind);
}

// The operation whose result is a variable of this kind.
OpKind creator_of(Var kind) {
  switch (kind) {
    case Var::kQueue:
      return OpKind::kQueueCreate;
    case Var::kBo:
      return OpKind::kBoCreate;
    case Var::kSyncobj:
      return OpKind::kSyncobjCreate;
  }
  return OpKind::kSyncobjCreate;
}

// Creates a variable before `at`. Returns how many operations were inserted.
size_t create_before(Program& program, size_t at, Var kind, uint8_t lane, Rng& rng) {
  if (program.ops.size() >= kMaxOps) return 0;
  Scope scope = scope_before(program, at);
  Op op;
  op.kind = creator_of(kind);
  op.lane = lane;
  for (unsigned a = 0; a < kMaxArgs; a++) {
    op.args[a] = random_value(program, scope, op_spec(op.kind).args[a], rng);
  }
  program.ops.insert(program.ops.begin() + static_cast<ptrdiff_t>(at), op);
  return 1;
}

// The kinds of variables that an operation needs, bit i for kind i.
unsigned needs(OpKind kind) {
  unsigned kinds = 0;
  for (const ArgSpec& arg : op_spec(kind).args) {
    if (is_variable(arg.type) && !is_result(arg.type) && arg.type != ArgType::kBoList)
      kinds |= 1u << static_cast<unsigned>(var_kind(arg.type));
  }
  return kinds;
}

// What the operation needs and nothing before `at` created: mostly it is created there, so that one
// insertion is worth an execution. Returns how many operations were inserted.
size_t create_needs(Program& program, size_t at, OpKind kind, uint8_t lane, Rng& rng) {
  const Scope scope = scope_before(program, at);
  const uint8_t creator_lane = lane < kThreads && rng.percent(80) ? lane : 0;
  size_t inserted = 0;
  for (unsigned var = 0; var < kVarKinds; var++) {
    if ((needs(kind) >> var & 1) == 0 || scope.live[var] || !rng.percent(83)) continue;
    inserted += create_before(program, at + inserted, static_cast<Var>(var), creator_lane, rng);
  }
  return inserted;
}

}  // namespace

uint8_t random_lane(const Program& program, OpKind kind, Rng& rng, const Swarm& swarm) {
  if (op_spec(kind).irq_lane && rng.percent(60)) return kIrqLane;
  unsigned way = rng.below(100);
  if (swarm.threads > 2 && way < 70) return static_cast<uint8_t>(rng.below(swarm.threads));
  if (way < 50 && !program.ops.empty()) {  // a lane that is in use
    uint8_t lane = program.ops[rng.below(program.ops.size())].lane;
    if (lane < kThreads) return lane;
  }
  if (way < 80) return 0;
  if (way < 94) return static_cast<uint8_t>(swarm.threads > 1);
  return static_cast<uint8_t>(rng.below(way < 98 ? 4 : kThreads));
}

uint64_t random_arg(const Program& program, size_t at, unsigned arg, Rng& rng) {
  const Op& op = program.ops[at];
  ArgType type = op_spec(op.kind).args[arg].type;
  uint64_t value = op.args[arg];
  // Numbers: a small step is as good as a new number.
  if (type == ArgType::kU64 && rng.percent(25)) return rng.percent(50) ? value + 1 : value - 1;
  if (type == ArgType::kU16 && rng.percent(25))
    return (rng.percent(50) ? value + 1 : value - 1) & UINT16_MAX;
  Scope scope = scope_before(program, at);
  // Lists: often one entry more or less.
  if (is_list(type) && rng.percent(40)) {
    unsigned size = SlotList::size(value);
    if (size < SlotList::kMax && rng.percent(60))
      return SlotList::push(value, random_entry(scope, type, rng));
    uint64_t shorter = 0;
    for (unsigned i = 0; i + 1 < size; i++)
      shorter = SlotList::push(shorter, SlotList::at(value, i));
    return shorter;
  }
  return random_value(program, scope, op_spec(op.kind).args[arg], rng);
}

bool insert_random_op(Program& program, Rng& rng, const Swarm& swarm) {
  size_t size = program.ops.size();
  if (size >= kMaxOps) return false;
  Op op;
  op.kind = random_kind(swarm, rng);
  op.lane = random_lane(program, op.kind, rng, swarm);
  size_t at = rng.percent(50) ? size : rng.below(size + 1);
  at += create_needs(program, at, op.kind, op.lane, rng);
  if (program.ops.size() >= kMaxOps) return program.ops.size() != size;

  Scope scope = scope_before(program, at);
  for (unsigned a = 0; a < kMaxArgs; a++) {
    op.args[a] = random_value(program, scope, op_spec(op.kind).args[a], rng);
  }
  program.ops.insert(program.ops.begin() + static_cast<ptrdiff_t>(at), op);
  // An interrupt arrives only if the schedule says when.
  if (op.lane == kIrqLane && rng.percent(60) && program.schedule.size() < kMaxPreemptions) {
    program.schedule.push_back({random_after(rng), Target::kIrq});
  }
  return true;
}

Faults random_faults(Rng& rng) {
  Faults faults;
  uint8_t nth = static_cast<uint8_t>(1 + rng.below(rng.percent(80) ? 4 : 16));
  switch (rng.below(5)) {
    case 0:
    case 1:
      faults.fail_alloc = nth;
      break;
    case 2:
    case 3:
      faults.fail_copy = nth;
      break;
    default:
      faults.signal_pending = true;
      break;
  }
  return faults;
}

// Every magnitude up to 512 is equally likely: an operation takes some dozen scheduling points.
uint32_t random_after(Rng& rng) { return rng.below(uint64_t{1} << (1 + rng.below(9))); }

Target random_target(const Program& program, Rng& rng) {
  unsigned way = rng.below(100);
  if (way < 70 && !program.ops.empty()) {
    return static_cast<Target>(program.ops[rng.below(program.ops.size())].lane);
  }
  if (way < 85) return static_cast<Target>(rng.below(2));
  if (way < 91) return Target::kRcu;
  if (way < 95) return Target::kWorker;
  if (way < 98) return Target::kTimer;
  return static_cast<Target>(rng.below(kTargets));
}

bool insert_random_preemption(Program& program, Rng& rng) {
  if (program.schedule.size() >= kMaxPreemptions) return false;
  size_t at = rng.below(program.schedule.size() + 1);
  Preemption preemption{random_after(rng), random_target(program, rng)};
  program.schedule.insert(program.schedule.begin() + static_cast<ptrdiff_t>(at), preemption);
  return true;
}

bool insert_placed_preemption(Program& program, const Places& places, Rng& rng) {
  if (program.schedule.size() >= kMaxPreemptions) return false;
  const uint32_t point = places.points[rng.below(places.count)];
  uint32_t before = 0;  // where the preemption in front of it comes
  auto next = program.schedule.begin();
  for (; next != program.schedule.end(); ++next) {
    const uint32_t at = before + std::max(next->after, 1u);
    if (at >= point) break;
    before = at;
  }
  const uint32_t after = std::min(point - before, kMaxAfter);
  if (next != program.schedule.end()) next->after -= std::min(next->after, after);
  program.schedule.insert(next, {after, random_target(program, rng)});
  return true;
}

void change_device(DeviceConfig& device, Rng& rng) {
  switch (rng.below(4)) {
    case 0:
      device.cpus = static_cast<uint8_t>(1 + rng.below(kMaxCpus));
      break;
    case 1:  // few slots run out
      device.seq64_slots =
          static_cast<uint8_t>(rng.percent(60) ? 1 + rng.below(4) : kMaxSeq64Slots);
      break;
    default:
      device.second_process ^=
          static_cast<uint8_t>(1u << rng.below(rng.percent(80) ? 2 : kThreads));
      break;
  }
}

Program random_program(Rng& rng, const Swarm& swarm) {
  Program program;
  while (rng.percent(25)) change_device(program.device, rng);
  for (unsigned n = 1 + rng.below(12); n; n--) insert_random_op(program, rng, swarm);
  while (rng.percent(60)) insert_random_preemption(program, rng);
  while (rng.percent(15)) program.ops[rng.below(program.ops.size())].faults = random_faults(rng);
  return program;
}

}  // namespace program
