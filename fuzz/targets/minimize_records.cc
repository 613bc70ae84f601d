#include "fuzz/targets/minimize_records.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "fuzz/targets/hostile.h"
#include "fuzz/targets/steps.h"
#include "fuzz/targets/text_form.h"

namespace records {

namespace {

using reduce::simpler_numbers;
using text_form::Form;

// As in program/minimize.cc.
constexpr uint32_t kNearby = 16;
constexpr uint8_t kSecondProcess = 0x80;  // of a call (hostile.h)

struct Edit {
  enum class Kind : uint8_t {
    kDropOp,          // op `a`
    kDropOpNearby,    // and preemption `b` waits for `value` points
    kDropPreemption,  // `a`; b: the others come when they came
    kFirstProcess,    // makes call `a`
    kOperand,         // operand `b` of op `a`
    kWait,            // preemption `a` waits for `value` points; b: the next one comes when it came
  };
  Kind kind;
  size_t a = 0;
  size_t b = 0;
  uint64_t value = 0;
};

struct Model {
  using Input = Records;
  using Edit = records::Edit;
  static constexpr uint32_t longest_wait = UINT16_MAX;

  static std::string key(const Records& records) {
    std::string key;
    for (const Record& op : records.ops) {
      key += static_cast<char>(op.kind);
      key.append(op.operands.begin(), op.operands.end());
      key += static_cast<char>(op.operands.size());
    }
    for (const Preemption& preemption : records.schedule)
      key += "," + std::to_string(preemption.after) + ">" + std::to_string(preemption.to);
    return key;
  }

  static std::vector<uint64_t> measure(const Records& records) {
    std::vector<uint64_t> measure = {records.ops.size(), records.schedule.size(), 0, 0};
    for (const Record& op : records.ops) {
      measure[2] += op.operands.size() -
                    static_cast<size_t>(std::count(op.operands.begin(), op.operands.end(), 0));
      measure[3] += op.kind >= kSecondProcess;
      measure.insert(measure.end(), op.operands.begin(), op.operands.end());
    }
    for (const Preemption& preemption : records.schedule) measure.push_back(preemption.after);
    return measure;
  }

  static std::vector<Edit> edits(const Records& records, bool nearby) {
    std::vector<Edit> edits;
    for (size_t i = records.ops.size(); i-- > 0;) {
      edits.push_back({Edit::Kind::kDropOp, i});
      for (size_t k = 0; nearby && k < records.schedule.size(); k++) {
        const uint32_t after = records.schedule[k].after;
        for (uint32_t less = 1; less <= std::min(after, kNearby); less++)
          edits.push_back({Edit::Kind::kDropOpNearby, i, k, after - less});
      }
    }
    for (size_t i = records.schedule.size(); i-- > 0;) {
      edits.push_back({Edit::Kind::kDropPreemption, i, true});
      edits.push_back({Edit::Kind::kDropPreemption, i, false});
    }
    for (size_t i = records.ops.size(); i-- > 0;) {
      const Record& op = records.ops[i];
      // Only calls have operands and a kind that large: tables of steps are short.
      if (op.kind >= kSecondProcess && !op.operands.empty())
        edits.push_back({Edit::Kind::kFirstProcess, i});
      for (size_t k = 0; k < op.operands.size(); k++)
        for (uint64_t value : simpler_numbers(op.operands[k]))
          edits.push_back({Edit::Kind::kOperand, i, k, value});
    }
    for (size_t i = 0; i < records.schedule.size(); i++) {
      for (uint64_t after : simpler_numbers(records.schedule[i].after)) {
        edits.push_back({Edit::Kind::kWait, i, true, after});
        edits.push_back({Edit::Kind::kWait, i, false, after});
      }
    }
    return edits;
  }

  static void apply(reduce::Candidate<Records>& candidate, const Edit& edit) {
    Records& records = candidate.input;
    switch (edit.kind) {
      case Edit::Kind::kDropOpNearby:
        records.schedule[edit.b].after = static_cast<uint32_t>(edit.value);
        [[fallthrough]];
      case Edit::Kind::kDropOp:
        return candidate.drop_ops(edit.a, edit.a + 1);
      case Edit::Kind::kDropPreemption:
        return candidate.drop_preemptions(edit.a, edit.a + 1, edit.b != 0);
      case Edit::Kind::kFirstProcess:
        records.ops[edit.a].kind &= static_cast<uint8_t>(~kSecondProcess);
        return;
      case Edit::Kind::kOperand:
        records.ops[edit.a].operands[edit.b] = static_cast<uint8_t>(edit.value);
        return;
      case Edit::Kind::kWait:
        return candidate.shorten_wait(edit.a, static_cast<uint32_t>(edit.value), edit.b != 0);
    }
  }
};

Records decode_steps(const steps::Table& table, const Bytes& bytes) {
  Records records;
  steps::Input input;
  steps::decode(table, bytes.data(), bytes.size(), input);
  for (unsigned i = 0; i < input.count; i++) {
    const steps::Step& step = input.steps[i];
    records.ops.push_back({step.op, {step.a, step.b, step.c}});
  }
  for (unsigned i = 0; i < input.preemption_count; i++)
    records.schedule.push_back(
        {input.preemptions[i].after, static_cast<uint8_t>(input.preemptions[i].to)});
  return records;
}

Records decode_calls(const Bytes& bytes) {
  Records records;
  for (size_t at = 0; at < bytes.size() && records.ops.size() < hostile::kMaxCalls;) {
    hostile::Call call;
    at += hostile::decode(bytes.data() + at, bytes.size() - at, call);
    uint8_t encoded[1 + hostile::kMaxFields];
    const size_t size = hostile::encode(call, encoded);
    records.ops.push_back({encoded[0], Bytes(encoded + 1, encoded + size)});
  }
  return records;
}

}  // namespace

Records decode(const std::string& target, const Bytes& bytes) {
  switch (text_form::of_target(target)) {
    case Form::kSteps:
      return decode_steps(*steps::find_table(target.c_str()), bytes);
    case Form::kCalls:
      return decode_calls(bytes);
    default:
      break;
  }
  Records records;
  for (uint8_t byte : bytes) records.ops.push_back({byte, {}});
  return records;
}

Bytes encode(const std::string& target, const Records& records) {
  Bytes bytes;
  for (const Record& op : records.ops) {
    bytes.push_back(op.kind);
    bytes.insert(bytes.end(), op.operands.begin(), op.operands.end());
  }
  if (text_form::of_target(target) != Form::kSteps) return bytes;
  for (const Preemption& preemption : records.schedule)
    bytes.insert(bytes.end(), {static_cast<uint8_t>(steps::Common::kPreempt),
                               static_cast<uint8_t>(preemption.after),
                               static_cast<uint8_t>(preemption.after >> 8), preemption.to});
  return bytes;
}

reduce::Result<Bytes> minimize(const std::string& target, const Bytes& bytes,
                               const Predicate& holds, const PointsOf& points,
                               const reduce::Limits& limits) {
  auto holds_for = [&](const Records& records) { return holds(encode(target, records)); };
  reduce::Reducer<Model>::PointsOf points_for;
  if (points) points_for = [&](const Records& records) { return points(encode(target, records)); };
  auto result = reduce::Reducer<Model>(holds_for, points_for, limits).run(decode(target, bytes));
  return {encode(target, result.input), result.questions, result.minimal};
}

std::vector<Bytes> steps(const std::string& target, const Bytes& bytes) {
  std::vector<Bytes> simpler;
  for (const Records& records : reduce::steps<Model>(decode(target, bytes)))
    simpler.push_back(encode(target, records));
  return simpler;
}

}  // namespace records
