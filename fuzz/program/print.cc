#include "fuzz/program/print.h"

namespace program {

namespace {

constexpr const char* kTargetNames[kTargets] = {"t0", "t1", "t2",  "t3",  "t4",     "t5",
                                                "t6", "t7", "irq", "rcu", "worker", "timer"};
constexpr const char* kIpNames[] = {"gfx", "compute", "sdma", "none"};

// A text of bounded size; what does not fit is counted and dropped.
class Buffer {
 public:
  Buffer(char* buf, size_t cap) : buf_(buf), cap_(cap) {
    if (cap_) buf_[0] = 0;
  }

  void put(char c) {
    if (size_ + 1 < cap_) {
      buf_[size_] = c;
      buf_[size_ + 1] = 0;
    }
    size_++;
  }

  void put(const char* text) {
    while (*text) put(*text++);
  }

  // Large numbers are mostly bit patterns: hex.
  void put_number(uint64_t value) {
    unsigned base = value >> 32 ? 16 : 10;
    char digits[20];
    unsigned n = 0;
    do {
      digits[n++] = "0123456789abcdef"[value % base];
      value /= base;
    } while (value);
    if (base == 16) put("0x");
    while (n) put(digits[--n]);
  }

  void put_named(const char* name, uint64_t value) {
    put(' ');
    put(name);
    put('=');
    put_number(value);
  }

  size_t size() const { return size_; }  // of the whole text
  size_t stored() const { return size_ < cap_ ? size_ : cap_ ? cap_ - 1 : 0; }
  void clear() { size_ = 0; }

 private:
  char* buf_;
  size_t cap_;
  size_t size_ = 0;
};

void put_arg(Buffer& out, ArgType type, uint64_t value) {
  switch (type) {
    case ArgType::kQueue:
    case ArgType::kQueueResult:
    case ArgType::kBo:
    case ArgType::kBoResult:
    case ArgType::kSyncobj:
    case ArgType::kSyncobjResult:
      return out.put(var_name(var_kind(type), static_cast<unsigned>(value % kVars)));
    case ArgType::kBoList:
    case ArgType::kSyncobjList:
    case ArgType::kPointList:
      out.put('[');
      for (unsigned i = 0; i < SlotList::size(value) && i < SlotList::kMax; i++) {
        if (i) out.put(',');
        const unsigned entry = SlotList::at(value, i);
        if (type == ArgType::kPointList)
          out.put_number(kPoints[entry]);
        else
          out.put(var_name(var_kind(type), entry));
      }
      return out.put(']');
    case ArgType::kIp:
      return out.put(ip_name(static_cast<unsigned>(value)));
    default:
      return out.put_number(value);
  }
}

void put_op(Buffer& out, const Op& op) {
  out.put(lane_name(op.lane));
  out.put(": ");
  if (static_cast<unsigned>(op.kind) >= kOpKinds) return out.put('?');
  const OpSpec& spec = op_spec(op.kind);
  for (unsigned i = 0; i < kMaxArgs; i++) {
    if (!is_result(spec.args[i].type)) continue;
    put_arg(out, spec.args[i].type, op.args[i]);
    out.put(" = ");
  }
  out.put(spec.name);
  for (unsigned i = 0; i < kMaxArgs; i++) {
    const ArgSpec& arg = spec.args[i];
    if (arg.type == ArgType::kNone || is_result(arg.type)) continue;
    if (arg.name && op.args[i] == arg.preset) continue;
    out.put(' ');
    if (arg.name) {
      out.put(arg.name);
      if (arg.type == ArgType::kFlag) continue;
      out.put('=');
    }
    put_arg(out, arg.type, op.args[i]);
  }
  if (op.faults.fail_alloc) out.put_named("fail_alloc", op.faults.fail_alloc);
  if (op.faults.fail_copy) out.put_named("fail_copy", op.faults.fail_copy);
  if (op.faults.signal_pending) out.put(" signal_pending");
}

void put_preemption(Buffer& out, const Preemption& preemption) {
  out.put_number(preemption.after);
  out.put('>');
  out.put(target_name(preemption.to));
}

}  // namespace

const char* lane_name(unsigned lane) { return lane < kLanes ? kTargetNames[lane] : "?"; }

const char* target_name(Target target) {
  unsigned i = static_cast<unsigned>(target);
  return i < kTargets ? kTargetNames[i] : "?";
}

const char* ip_name(unsigned ip) {
  return ip < sizeof(kIpNames) / sizeof(kIpNames[0]) ? kIpNames[ip] : "?";
}

size_t format_op(const Op& op, char* buf, size_t cap) {
  Buffer out(buf, cap);
  put_op(out, op);
  return out.size();
}

size_t format_preemption(const Preemption& preemption, char* buf, size_t cap) {
  Buffer out(buf, cap);
  put_preemption(out, preemption);
  return out.size();
}

void print_program(const Program& program, LineSink sink, void* context) {
  char line[kMaxOpText + 1];
  Buffer out(line, sizeof(line));
  auto end_line = [&] {
    out.put('\n');
    sink(context, line, out.stored());
    out.clear();
  };

  out.put("device");
  out.put_named("cpus", program.device.cpus);
  out.put_named("seq64", program.device.seq64_slots);
  end_line();

  if (program.device.second_process) {
    out.put("process p1:");
    for (unsigned i = 0; i < kThreads; i++) {
      if (!(program.device.second_process >> i & 1)) continue;
      out.put(' ');
      out.put(lane_name(i));
    }
    end_line();
  }

  for (const Op& op : program.ops) {
    put_op(out, op);
    end_line();
  }

  for (const Preemption& preemption : program.schedule) {
    char text[32];
    size_t size = format_preemption(preemption, text, sizeof(text));
    if (out.size() && out.size() + 1 + size > kTextColumns) end_line();
    if (!out.size()) out.put("schedule:");
    out.put(' ');
    out.put(text);
  }
  if (out.size()) end_line();
}

}  // namespace program
