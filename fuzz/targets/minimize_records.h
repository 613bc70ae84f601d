// Makes inputs smaller that are no programs: steps, ioctl calls, and bytes of any other kind, each
// as a list of records. A pure function, like program::minimize(), on the same steps: a record
// less, a preemption less or earlier, an operand or selector smaller, a call by the first process.
// Of other bytes each is a record, and only gets dropped.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "fuzz/program/reduce.h"

namespace records {

using Bytes = std::vector<uint8_t>;

// What an input is made of.
struct Record {
  uint8_t kind;  // stays as it is
  Bytes operands;

  bool operator==(const Record&) const = default;
};
struct Preemption {
  uint32_t after;
  uint8_t to;

  bool operator==(const Preemption&) const = default;
};
struct Records {
  std::vector<Record> ops;
  std::vector<Preemption> schedule;

  bool operator==(const Records&) const = default;
};

// By the form that inputs of the target have (text_form.h); what the target would not execute is
// left out.
Records decode(const std::string& target, const Bytes& bytes);
Bytes encode(const std::string& target, const Records& records);

using Predicate = std::function<bool(const Bytes&)>;
using PointsOf = std::function<reduce::Points(const Bytes&)>;

// `holds` must hold for encode(decode(bytes)).
reduce::Result<Bytes> minimize(const std::string& target, const Bytes& bytes,
                               const Predicate& holds, const PointsOf& points = {},
                               const reduce::Limits& limits = {});

// Every input that is one step simpler, by a step that does not look at the points of a run.
std::vector<Bytes> steps(const std::string& target, const Bytes& bytes);

}  // namespace records
