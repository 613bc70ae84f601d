// The inputs of the targets that are not programs: a list of steps, four bytes each, an operation
// and three operands. Any bytes are a list of steps. Each target has its table in NAME_steps.def;
// some steps are common to all (common_steps.def): `preempt` adds to the schedule, `fail_alloc n`
// makes the n-th allocation of the next step fail.
//
// Seeds are text, corpus/NAME_fuzzer/*.steps: a step a line, `name operand operand operand`,
// operands 0..255, those left out are 0, comments with #.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/sched/decider.h"

namespace steps {

struct Step {
  uint8_t op;  // index into the target's table
  uint8_t a, b, c;
};

// A row of a table.
struct Spec {
  const char* name;
  const char* operands;  // their names, for people
};

struct Table {
  const char* target;  // allocator_fuzzer
  const Spec* specs;   // the common steps first
  unsigned count;
};

enum class Common : uint8_t {
#define STEP(enumerator, name, operands) enumerator,
#include "fuzz/targets/common_steps.def"
#undef STEP
  kCount
};
inline constexpr unsigned kCommon = static_cast<unsigned>(Common::kCount);

// The table of a target; nullptr: it has none.
const Table* find_table(const char* target);

inline constexpr unsigned kMaxSteps = 256;  // those beyond are dropped
inline constexpr unsigned kMaxPreemptions = 32;

struct Input {
  const Table* table;
  Step steps[kMaxSteps];
  unsigned count;
  sched::Preemption preemptions[kMaxPreemptions];
  unsigned preemption_count;
};

// Any bytes: an operation is taken modulo the size of the table, an incomplete last step is
// dropped.
void decode(const Table& table, const uint8_t* data, size_t size, Input& input);
// The text of a step. Returns its length.
size_t format(const Table& table, const Step& step, char* buffer, size_t capacity);
// One line of text as a step. True: `*step` is it; false with *error: what is wrong; false without:
// a blank line or a comment.
bool parse(const Table& table, const char* line, Step* step, const char** error);

// Mutates steps as steps: inserts, removes, copies, swaps, changes an operand.
size_t mutate(uint8_t* data, size_t size, size_t max_size, unsigned seed);

}  // namespace steps
