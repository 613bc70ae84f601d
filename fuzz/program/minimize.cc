#include "fuzz/program/minimize.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string>

#include "fuzz/program/codec.h"
#include "fuzz/program/valid.h"

namespace program {

namespace {

using reduce::simpler_numbers;

// How much shorter than it was a wait is tried to be when an operation goes and nothing is known of
// the points of a run.
constexpr uint32_t kNearby = 16;

// Up to so many operations, any two of them are tried to go at once: some come in pairs.
constexpr size_t kFewOps = 12;

struct Edit {
  enum class Kind : uint8_t {
    kDropOp,          // op `a`
    kDropTwo,         // ops `a` and `b`, which is the later one
    kDropOpNearby,    // and preemption `b` waits for `value` points
    kDropPreemption,  // `a`; b: the others come when they came
    kMergeLanes,      // ops of lane `a` go to `b`, in the order of the list
    kInsertLane,      // all of them behind the first `value` ops of `b`
    kMoveLane,        // lane `a` becomes `b`, which is free
    kSwapLanes,       //
    kMoveOp,          // op `a` to lane `b`
    kOrderByLane,     // those of t0 first; their order matters within a lane only
    kFailAlloc,       // `value` for op `a`
    kFailCopy,        //
    kNoSignal,        //
    kCpus,            //
    kSlots,           //
    kProcess,         // the mask of the second process
    kArg,             // argument `b` of op `a`
    kReplaceVar,      // variable `a` by `b` everywhere; `value`: their kind
    kSwapVars,        //
    kWait,            // preemption `a` waits for `value` points; b: the next one comes when it came
  };
  Kind kind;
  size_t a = 0;
  size_t b = 0;
  uint64_t value = 0;
};

// --- what a program uses ---

std::array<bool, kLanes> lanes_of(const Program& program) {
  std::array<bool, kLanes> used{};
  for (const Op& op : program.ops) used[op.lane] = true;
  return used;
}

bool is_fault(const Faults& faults, unsigned i) {
  return i == 0 ? faults.fail_alloc != 0 : i == 1 ? faults.fail_copy != 0 : faults.signal_pending;
}

// Calls f(argument, its variable) for each variable that stands in the program; f may change it.
template <typename ProgramType, typename F>
void for_each_variable(ProgramType& program, Var kind, F f) {
  for (auto& op : program.ops) {
    const OpSpec& spec = op_spec(op.kind);
    for (unsigned i = 0; i < kMaxArgs; i++) {
      const ArgType type = spec.args[i].type;
      if (!is_variable(type) || type == ArgType::kPointList || var_kind(type) != kind) continue;
      if (!is_list(type)) {
        f(op.args[i]);
        continue;
      }
      uint64_t list = 0;
      for (unsigned k = 0; k < SlotList::size(op.args[i]); k++) {
        uint64_t var = SlotList::at(op.args[i], k);
        f(var);
        list = SlotList::push(list, static_cast<unsigned>(var));
      }
      if constexpr (!std::is_const_v<ProgramType>) op.args[i] = list;
    }
  }
}

std::array<bool, kVars> variables_of(const Program& program, Var kind) {
  std::array<bool, kVars> used{};
  for_each_variable(program, kind, [&](uint64_t var) { used[var] = true; });
  return used;
}

// Lists of one length in the order of their first entries.
uint64_t rank_of_list(uint64_t list) {
  uint64_t rank = SlotList::size(list);
  for (unsigned i = 0; i < SlotList::kMax; i++)
    rank = rank << 4 | (i < SlotList::size(list) ? SlotList::at(list, i) : 0);
  return rank;
}

// The preset is the simplest value.
uint64_t rank_of_arg(const ArgSpec& spec, uint64_t value) {
  if (is_list(spec.type)) return rank_of_list(value);
  if (spec.preset == 0) return value;
  return value == spec.preset ? 0 : value + 1;
}

uint64_t without_entry(uint64_t list, unsigned entry) {
  uint64_t shorter = 0;
  for (unsigned i = 0; i < SlotList::size(list); i++) {
    if (i != entry) shorter = SlotList::push(shorter, SlotList::at(list, i));
  }
  return shorter;
}

uint64_t with_entry(uint64_t list, unsigned entry, unsigned value) {
  const unsigned shift = 4 + 4 * entry;
  return (list & ~(uint64_t{0xf} << shift)) | uint64_t{value} << shift;
}

// --- the list of steps ---

void add_arg_edits(const Op& op, size_t at, std::vector<Edit>& edits) {
  const OpSpec& spec = op_spec(op.kind);
  for (unsigned i = 0; i < kMaxArgs; i++) {
    auto add = [&](uint64_t value) { edits.push_back({Edit::Kind::kArg, at, i, value}); };
    const uint64_t value = op.args[i];
    if (!is_list(spec.args[i].type)) {
      for (uint64_t simpler : simpler_numbers(value, spec.args[i].preset)) add(simpler);
      continue;
    }
    const unsigned size = SlotList::size(value);
    if (size > 1) add(0);
    for (unsigned k = 0; k < size; k++) add(without_entry(value, k));
    for (unsigned k = 0; k < size; k++) {
      for (unsigned entry = 0; entry < SlotList::at(value, k); entry++) {
        add(with_entry(value, k, entry));
      }
    }
  }
}

void add_lane_edits(const Program& program, std::vector<Edit>& edits) {
  const auto used = lanes_of(program);
  for (size_t from = kLanes; from-- > 0;) {
    for (size_t to = 0; used[from] && to < kThreads; to++) {
      if (from == to) continue;
      if (used[to]) {
        edits.push_back({Edit::Kind::kMergeLanes, from, to});
        const auto ops = std::count_if(program.ops.begin(), program.ops.end(),
                                       [&](const Op& op) { return op.lane == to; });
        for (uint64_t n = 0; n <= static_cast<uint64_t>(ops); n++)
          edits.push_back({Edit::Kind::kInsertLane, from, to, n});
        if (to < from && from < kThreads) edits.push_back({Edit::Kind::kSwapLanes, from, to});
      } else if (to < from && from < kThreads) {
        edits.push_back({Edit::Kind::kMoveLane, from, to});
      }
    }
  }
  edits.push_back({Edit::Kind::kOrderByLane});
  for (size_t i = 0; i < program.ops.size(); i++) {
    for (size_t to = 0; to < program.ops[i].lane; to++) {
      if (to < kThreads && used[to]) edits.push_back({Edit::Kind::kMoveOp, i, to});
    }
  }
}

void add_fault_edits(const Program& program, std::vector<Edit>& edits) {
  for (size_t i = 0; i < program.ops.size(); i++) {
    const Faults& faults = program.ops[i].faults;
    for (uint64_t n : simpler_numbers(faults.fail_alloc))
      edits.push_back({Edit::Kind::kFailAlloc, i, 0, n});
    for (uint64_t n : simpler_numbers(faults.fail_copy))
      edits.push_back({Edit::Kind::kFailCopy, i, 0, n});
    if (faults.signal_pending) edits.push_back({Edit::Kind::kNoSignal, i});
  }
}

void add_device_edits(const Program& program, std::vector<Edit>& edits) {
  const DeviceConfig& device = program.device;
  for (unsigned cpus = 1; cpus < device.cpus; cpus++)
    edits.push_back({Edit::Kind::kCpus, 0, 0, cpus});
  for (uint64_t slots : simpler_numbers(device.seq64_slots, kMaxSeq64Slots))
    if (slots > 0) edits.push_back({Edit::Kind::kSlots, 0, 0, slots});
  if (device.second_process == 0) return;
  const auto used = lanes_of(program);
  uint64_t alive = 0;
  for (unsigned i = 0; i < kThreads; i++) alive |= uint64_t{used[i]} << i;
  edits.push_back({Edit::Kind::kProcess, 0, 0, 0});
  edits.push_back({Edit::Kind::kProcess, 0, 0, device.second_process & alive});
  for (unsigned i = 0; i < kThreads; i++) {
    if (device.second_process >> i & 1)
      edits.push_back({Edit::Kind::kProcess, 0, 0, device.second_process & ~(uint64_t{1} << i)});
  }
}

void add_variable_edits(const Program& program, std::vector<Edit>& edits) {
  for (unsigned kind = 0; kind < kVarKinds; kind++) {
    const auto used = variables_of(program, static_cast<Var>(kind));
    for (size_t from = kVars; from-- > 0;) {
      for (size_t to = 0; used[from] && to < from; to++) {
        edits.push_back({Edit::Kind::kReplaceVar, from, to, kind});
        if (used[to]) edits.push_back({Edit::Kind::kSwapVars, from, to, kind});
      }
    }
  }
}

void add_wait_edits(const Program& program, std::vector<Edit>& edits) {
  for (size_t i = 0; i < program.schedule.size(); i++) {
    for (uint64_t after : simpler_numbers(program.schedule[i].after)) {
      edits.push_back({Edit::Kind::kWait, i, true, after});
      edits.push_back({Edit::Kind::kWait, i, false, after});
    }
  }
}

// --- taking a step ---

void set_lane(Program& program, size_t from, size_t to) {
  for (Op& op : program.ops) {
    if (op.lane == from) op.lane = static_cast<uint8_t>(to);
  }
  for (Preemption& preemption : program.schedule) {
    if (preemption.to == static_cast<Target>(from)) preemption.to = static_cast<Target>(to);
  }
}

void set_process(DeviceConfig& device, size_t thread, bool second) {
  const auto bit = static_cast<uint8_t>(1u << thread);
  device.second_process = static_cast<uint8_t>((device.second_process & ~bit) | (second ? bit : 0));
}

// Thread `a` becomes thread `b` and the other way round, with their processes.
void swap_lanes(Program& program, size_t a, size_t b) {
  constexpr size_t kNobody = 0xff;
  set_lane(program, a, kNobody);
  set_lane(program, b, a);
  set_lane(program, kNobody, b);
  if (a >= kThreads || b >= kThreads) return;
  DeviceConfig& device = program.device;
  const bool of_a = device.second_process >> a & 1;
  const bool of_b = device.second_process >> b & 1;
  set_process(device, a, of_b);
  set_process(device, b, of_a);
}

// The operations of lane `from` behind the first `count` of lane `to`.
void gather(reduce::Candidate<Program>& candidate, size_t from, size_t to, uint64_t count) {
  const std::vector<Op>& ops = candidate.input.ops;
  size_t place = 0;  // where they go
  for (uint64_t seen = 0; seen < count; place++) seen += ops[place].lane == to;
  for (size_t i = 0, left = place; left > 0; left--) {
    if (ops[i].lane == from)
      candidate.move_op(i, place - 1);
    else
      i++;
  }
  for (size_t i = place; i < ops.size(); i++)
    if (ops[i].lane == from) candidate.move_op(i, place++);
}

void order_by_lane(reduce::Candidate<Program>& candidate) {
  size_t next = 0;
  for (unsigned lane = 0; lane < kLanes; lane++) {
    for (size_t i = next; i < candidate.input.ops.size(); i++)
      if (candidate.input.ops[i].lane == lane) candidate.move_op(i, next++);
  }
}

void set_variable(Program& program, Var kind, size_t from, size_t to, bool swap) {
  for_each_variable(program, kind, [&](uint64_t& var) {
    if (var == from)
      var = to;
    else if (swap && var == to)
      var = from;
  });
}

struct Model {
  using Input = Program;
  using Edit = program::Edit;
  static constexpr uint32_t longest_wait = kMaxAfter;

  static std::string key(const Program& program) {
    const std::vector<uint8_t> bytes = encode(program);
    return {bytes.begin(), bytes.end()};
  }

  // First how much there is of everything, then how large it is, place by place.
  static std::vector<uint64_t> measure(const Program& program) {
    const DeviceConfig& device = program.device;
    const auto used = lanes_of(program);
    uint64_t faults = 0, entries = 0, given = 0, variables = 0;
    std::vector<uint64_t> sizes;
    for (const Op& op : program.ops) {
      for (unsigned i = 0; i < 3; i++) faults += is_fault(op.faults, i);
      sizes.insert(sizes.end(), {op.lane, op.faults.fail_alloc, op.faults.fail_copy});
      const OpSpec& spec = op_spec(op.kind);
      for (unsigned i = 0; i < kMaxArgs; i++) {
        const ArgSpec& arg = spec.args[i];
        given += arg.name != nullptr && op.args[i] != arg.preset;
        if (is_list(arg.type)) entries += SlotList::size(op.args[i]);
        sizes.push_back(rank_of_arg(arg, op.args[i]));
      }
    }
    for (unsigned kind = 0; kind < kVarKinds; kind++) {
      const auto vars = variables_of(program, static_cast<Var>(kind));
      variables += static_cast<uint64_t>(std::count(vars.begin(), vars.end(), true));
    }
    for (const Preemption& preemption : program.schedule) sizes.push_back(preemption.after);
    std::vector<uint64_t> measure = {
        program.ops.size(),
        program.schedule.size(),
        static_cast<uint64_t>(std::count(used.begin(), used.end(), true)),
        faults,
        static_cast<uint64_t>(std::popcount(device.second_process)),
        device.cpus,
        device.seq64_slots == kMaxSeq64Slots ? 0 : uint64_t{1} + device.seq64_slots,
        entries,
        given,
        variables};
    measure.insert(measure.end(), sizes.begin(), sizes.end());
    measure.push_back(device.second_process);
    return measure;
  }

  static std::vector<Edit> edits(const Program& program, bool nearby) {
    std::vector<Edit> edits;
    for (size_t i = program.ops.size(); i-- > 0;) {
      edits.push_back({Edit::Kind::kDropOp, i});
      for (size_t k = 0; nearby && k < program.schedule.size(); k++) {
        const uint32_t after = program.schedule[k].after;
        for (uint32_t less = 1; less <= std::min(after, kNearby); less++)
          edits.push_back({Edit::Kind::kDropOpNearby, i, k, after - less});
      }
    }
    for (size_t i = program.schedule.size(); i-- > 0;) {
      edits.push_back({Edit::Kind::kDropPreemption, i, true});
      edits.push_back({Edit::Kind::kDropPreemption, i, false});
    }
    add_lane_edits(program, edits);
    add_fault_edits(program, edits);
    add_device_edits(program, edits);
    for (size_t i = program.ops.size(); i-- > 0;) add_arg_edits(program.ops[i], i, edits);
    add_variable_edits(program, edits);
    add_wait_edits(program, edits);
    if (program.ops.size() <= kFewOps) {
      for (size_t i = 0; i < program.ops.size(); i++)
        for (size_t k = i + 1; k < program.ops.size(); k++)
          edits.push_back({Edit::Kind::kDropTwo, i, k});
    }
    return edits;
  }

  static void apply(reduce::Candidate<Program>& candidate, const Edit& edit) {
    Program& program = candidate.input;
    switch (edit.kind) {
      case Edit::Kind::kDropOpNearby:
        program.schedule[edit.b].after = static_cast<uint32_t>(edit.value);
        [[fallthrough]];
      case Edit::Kind::kDropOp:
        return candidate.drop_ops(edit.a, edit.a + 1);
      case Edit::Kind::kDropTwo:
        candidate.drop_ops(edit.b, edit.b + 1);
        return candidate.drop_ops(edit.a, edit.a + 1);
      case Edit::Kind::kDropPreemption:
        return candidate.drop_preemptions(edit.a, edit.a + 1, edit.b != 0);
      case Edit::Kind::kInsertLane:
        gather(candidate, edit.a, edit.b, edit.value);
        [[fallthrough]];
      case Edit::Kind::kMergeLanes:
        return set_lane(program, edit.a, edit.b);
      case Edit::Kind::kMoveLane:
      case Edit::Kind::kSwapLanes:
        return swap_lanes(program, edit.a, edit.b);
      case Edit::Kind::kMoveOp:
        program.ops[edit.a].lane = static_cast<uint8_t>(edit.b);
        return;
      case Edit::Kind::kOrderByLane:
        return order_by_lane(candidate);
      case Edit::Kind::kFailAlloc:
        program.ops[edit.a].faults.fail_alloc = static_cast<uint8_t>(edit.value);
        return;
      case Edit::Kind::kFailCopy:
        program.ops[edit.a].faults.fail_copy = static_cast<uint8_t>(edit.value);
        return;
      case Edit::Kind::kNoSignal:
        program.ops[edit.a].faults.signal_pending = false;
        return;
      case Edit::Kind::kCpus:
        program.device.cpus = static_cast<uint8_t>(edit.value);
        return;
      case Edit::Kind::kSlots:
        program.device.seq64_slots = static_cast<uint8_t>(edit.value);
        return;
      case Edit::Kind::kProcess:
        program.device.second_process = static_cast<uint8_t>(edit.value);
        return;
      case Edit::Kind::kArg:
        program.ops[edit.a].args[edit.b] = edit.value;
        return;
      case Edit::Kind::kReplaceVar:
      case Edit::Kind::kSwapVars:
        return set_variable(program, static_cast<Var>(edit.value), edit.a, edit.b,
                            edit.kind == Edit::Kind::kSwapVars);
      case Edit::Kind::kWait:
        return candidate.shorten_wait(edit.a, static_cast<uint32_t>(edit.value), edit.b != 0);
    }
  }
};

}  // namespace

reduce::Result<Program> minimize(const Program& program, const Predicate& holds,
                                 const PointsOf& points, const reduce::Limits& limits) {
  return reduce::Reducer<Model>(holds, points, limits).run(program);
}

std::vector<Program> steps(const Program& program) { return reduce::steps<Model>(program); }

}  // namespace program
