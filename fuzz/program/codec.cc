#include "fuzz/program/codec.h"

#include <algorithm>

#include "fuzz/program/valid.h"

namespace program {

namespace {

constexpr unsigned kPreemptionRecord = 0;
constexpr unsigned kRecordKinds = kOpKinds + 1;
constexpr uint8_t kRecordMask = 0x3f;
constexpr uint8_t kFaultsFollow = 0x80;
static_assert(kRecordKinds <= kRecordMask + 1u, "record kinds no longer fit into six bits");

constexpr uint8_t kCpuChoices[] = {2, 1, 3, 4};  // 2 first: zero is the usual value
static_assert(sizeof(kCpuChoices) == kMaxCpus);

class Reader {
 public:
  Reader(const uint8_t* data, size_t size) : data_(data), end_(data + size) {}

  bool done() const { return data_ == end_; }

  uint8_t byte() { return done() ? 0 : *data_++; }

  // A LEB128 number of at most `width` bits. What is longer is cut, so that no run of bytes with
  // the continuation bit can swallow the rest of the input.
  uint64_t number(unsigned width) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < width; shift += 7) {
      uint8_t b = byte();
      value |= uint64_t{b & 0x7fu} << shift;
      if (!(b & 0x80)) break;
    }
    return width < 64 ? value & ((uint64_t{1} << width) - 1) : value;
  }

 private:
  const uint8_t* data_;
  const uint8_t* end_;
};

// Writes bytes, or only counts them.
class Writer {
 public:
  explicit Writer(std::vector<uint8_t>* out) : out_(out) {}

  void byte(uint64_t value) {
    if (out_) out_->push_back(static_cast<uint8_t>(value));
    size_++;
  }

  void number(uint64_t value) {
    for (; value >= 0x80; value >>= 7) byte(value | 0x80);
    byte(value);
  }

  size_t size() const { return size_; }

 private:
  std::vector<uint8_t>* out_;
  size_t size_ = 0;
};

uint64_t read_arg(Reader& in, ArgType type) {
  switch (type) {
    case ArgType::kNone:
      return 0;
    case ArgType::kU64:
      return in.number(64);
    case ArgType::kU16:
      return in.number(16);
    case ArgType::kBoList:
    case ArgType::kSyncobjList:
    case ArgType::kPointList: {
      unsigned size = in.byte() % (SlotList::kMax + 1);
      uint64_t list = 0;
      for (unsigned i = 0; i < size; i++)
        list = SlotList::push(list, in.byte() % list_choices(type));
      return list;
    }
    default:
      return in.byte() % (arg_max(type) + 1);
  }
}

void write_arg(Writer& out, ArgType type, uint64_t value) {
  switch (type) {
    case ArgType::kNone:
      return;
    case ArgType::kU64:
    case ArgType::kU16:
      return out.number(value);
    case ArgType::kBoList:
    case ArgType::kSyncobjList:
    case ArgType::kPointList: {
      unsigned size = SlotList::size(value);
      out.byte(size);
      for (unsigned i = 0; i < size; i++) out.byte(SlotList::at(value, i));
      return;
    }
    default:
      return out.byte(value);
  }
}

Op read_op(Reader& in, OpKind kind, bool faults_follow) {
  Op op;
  op.kind = kind;
  op.lane = in.byte() % kLanes;
  if (!lane_is_valid(kind, op.lane)) op.lane = 0;
  const OpSpec& spec = op_spec(kind);
  for (unsigned i = 0; i < kMaxArgs; i++) op.args[i] = read_arg(in, spec.args[i].type);
  if (faults_follow) {
    op.faults.fail_alloc = in.byte();
    op.faults.fail_copy = in.byte();
    op.faults.signal_pending = in.byte() & 1;
  }
  return op;
}

void write_op(Writer& out, const Op& op) {
  bool has_faults = op.faults != Faults{};
  out.byte((static_cast<unsigned>(op.kind) + 1) | (has_faults ? kFaultsFollow : 0u));
  out.byte(op.lane);
  const OpSpec& spec = op_spec(op.kind);
  for (unsigned i = 0; i < kMaxArgs; i++) write_arg(out, spec.args[i].type, op.args[i]);
  if (has_faults) {
    out.byte(op.faults.fail_alloc);
    out.byte(op.faults.fail_copy);
    out.byte(op.faults.signal_pending);
  }
}

void write_preemption(Writer& out, const Preemption& preemption) {
  out.byte(kPreemptionRecord);
  out.number(preemption.after);
  out.byte(static_cast<unsigned>(preemption.to));
}

void write_program(Writer& out, const Program& program) {
  const DeviceConfig& device = program.device;
  out.byte(static_cast<uint64_t>(std::find(kCpuChoices, kCpuChoices + kMaxCpus, device.cpus) -
                                 kCpuChoices));
  out.byte(kMaxSeq64Slots - device.seq64_slots);
  out.byte(device.second_process);
  for (const Op& op : program.ops) write_op(out, op);
  for (const Preemption& preemption : program.schedule) write_preemption(out, preemption);
}

}  // namespace

Program decode(const uint8_t* data, size_t size) {
  Reader in(data, size);
  Program program;
  program.device.cpus = kCpuChoices[in.byte() % kMaxCpus];
  program.device.seq64_slots = static_cast<uint8_t>(kMaxSeq64Slots - in.byte() % kMaxSeq64Slots);
  program.device.second_process = in.byte();
  program.ops.reserve(std::min<size_t>(size / 4, kMaxOps));
  while (!in.done()) {
    uint8_t first = in.byte();
    unsigned record = (first & kRecordMask) % kRecordKinds;
    if (record == kPreemptionRecord) {
      Preemption preemption;
      preemption.after = static_cast<uint32_t>(in.number(20));
      preemption.to = static_cast<Target>(in.byte() % kTargets);
      if (program.schedule.size() < kMaxPreemptions) program.schedule.push_back(preemption);
    } else {
      Op op = read_op(in, static_cast<OpKind>(record - 1), first & kFaultsFollow);
      if (program.ops.size() < kMaxOps) program.ops.push_back(op);
    }
    if (program.ops.size() == kMaxOps && program.schedule.size() == kMaxPreemptions) break;
  }
  return program;
}

std::vector<uint8_t> encode(const Program& program) {
  std::vector<uint8_t> bytes;
  bytes.reserve(encoded_size(program));
  Writer out(&bytes);
  write_program(out, program);
  return bytes;
}

size_t encoded_size(const Op& op) {
  Writer out(nullptr);
  write_op(out, op);
  return out.size();
}

size_t encoded_size(const Preemption& preemption) {
  Writer out(nullptr);
  write_preemption(out, preemption);
  return out.size();
}

size_t encoded_size(const Program& program) {
  Writer out(nullptr);
  write_program(out, program);
  return out.size();
}

}  // namespace program
