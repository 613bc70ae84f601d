#include "fuzz/targets/steps.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "fuzz/program/rng.h"

namespace steps {

namespace {

// The common steps come first: the blank lines keep the formatter from sorting these includes.
#define STEP(enumerator, name, operands) {name, operands},
constexpr Spec kAllocator[] = {
#include "fuzz/targets/common_steps.def"

#include "fuzz/targets/allocator_steps.def"
};
constexpr Spec kDmaFence[] = {
#include "fuzz/targets/common_steps.def"

#include "fuzz/targets/dma_fence_steps.def"
};
constexpr Spec kSyncobj[] = {
#include "fuzz/targets/common_steps.def"

#include "fuzz/targets/syncobj_steps.def"
};
#undef STEP

template <size_t n>
constexpr Table table_of(const char* target, const Spec (&specs)[n]) {
  return {target, specs, n};
}

constexpr Table kTables[] = {
    table_of("allocator_fuzzer", kAllocator),
    table_of("dma_fence_fuzzer", kDmaFence),
    table_of("syncobj_fuzzer", kSyncobj),
};

constexpr unsigned kTargets = 12;  // t0..t7, irq, softirq, worker, timer

bool is_common(const Step& step, Common common) { return step.op == static_cast<uint8_t>(common); }

const char* skip_blanks(const char* text) { return text + std::strspn(text, " \t\r\n"); }
size_t word_length(const char* text) { return std::strcspn(text, " \t\r\n#"); }

}  // namespace

const Table* find_table(const char* target) {
  for (const Table& table : kTables)
    if (std::strcmp(table.target, target) == 0) return &table;
  return nullptr;
}

void decode(const Table& table, const uint8_t* data, size_t size, Input& input) {
  input.table = &table;
  input.count = input.preemption_count = 0;
  for (size_t at = 0; at + sizeof(Step) <= size; at += sizeof(Step)) {
    const Step step{static_cast<uint8_t>(data[at] % table.count), data[at + 1], data[at + 2],
                    data[at + 3]};
    if (is_common(step, Common::kPreempt)) {
      if (input.preemption_count < kMaxPreemptions)
        input.preemptions[input.preemption_count++] = {
            step.a + 256u * step.b, static_cast<sched::Target>(step.c % kTargets)};
    } else if (input.count < kMaxSteps) {
      input.steps[input.count++] = step;
    }
  }
}

size_t format(const Table& table, const Step& step, char* buffer, size_t capacity) {
  const int n = std::snprintf(buffer, capacity, "%s %u %u %u", table.specs[step.op].name, step.a,
                              step.b, step.c);
  return n < 0 ? 0 : std::min(static_cast<size_t>(n), capacity - 1);
}

bool parse(const Table& table, const char* line, Step* step, const char** error) {
  *error = nullptr;
  line = skip_blanks(line);
  if (*line == 0 || *line == '#') return false;
  const size_t length = word_length(line);
  unsigned op = 0;
  while (op < table.count && (std::strlen(table.specs[op].name) != length ||
                              std::strncmp(table.specs[op].name, line, length) != 0))
    ++op;
  if (op == table.count) {
    *error = "no such step";
    return false;
  }
  uint8_t operands[3] = {};
  unsigned count = 0;
  for (line = skip_blanks(line + length); *line != 0 && *line != '#'; line = skip_blanks(line)) {
    char* end = nullptr;
    const unsigned long value = std::strtoul(line, &end, 0);
    if (count == 3 || end != line + word_length(line) || *line == '-' || value > 255) {
      *error = "expected at most three operands, 0 to 255";
      return false;
    }
    operands[count++] = static_cast<uint8_t>(value);
    line = end;
  }
  *step = {static_cast<uint8_t>(op), operands[0], operands[1], operands[2]};
  return true;
}

size_t mutate(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  program::Rng rng(seed);
  const size_t room = std::min<size_t>(max_size / sizeof(Step), kMaxSteps + kMaxPreemptions);
  size_t count = std::min(size / sizeof(Step), room);
  if (room == 0) return 0;
  auto at = [&](size_t i) { return data + i * sizeof(Step); };
  // Opens a gap before step i; the caller fills it.
  auto open = [&](size_t i) {
    std::memmove(at(i + 1), at(i), (count - i) * sizeof(Step));
    ++count;
  };
  const size_t i = rng.below(static_cast<uint32_t>(count) + 1);
  switch (count == 0 ? 0 : rng.below(6)) {
    case 0:
    case 1:  // a new step
      if (count == room) --count;
      open(std::min(i, count));
      for (size_t byte = 0; byte < sizeof(Step); ++byte)
        at(std::min(i, count - 1))[byte] = static_cast<uint8_t>(rng.below(byte == 0 ? 256 : 16));
      break;
    case 2:  // one step less
      if (i < count) {
        std::memmove(at(i), at(i + 1), (count - i - 1) * sizeof(Step));
        --count;
      }
      break;
    case 3: {  // a step once more
      if (count == room) break;
      const size_t from = rng.below(static_cast<uint32_t>(count));
      Step copy;
      std::memcpy(&copy, at(from), sizeof copy);
      open(i);
      std::memcpy(at(i), &copy, sizeof copy);
      break;
    }
    case 4: {  // two change places
      const size_t x = rng.below(static_cast<uint32_t>(count));
      const size_t y = rng.below(static_cast<uint32_t>(count));
      for (size_t byte = 0; byte < sizeof(Step); ++byte) std::swap(at(x)[byte], at(y)[byte]);
      break;
    }
    default: {  // an operand
      uint8_t& operand = at(rng.below(static_cast<uint32_t>(count)))[1 + rng.below(3)];
      operand = static_cast<uint8_t>(rng.below(2) ? operand + rng.below(3) - 1 : rng.below(256));
    }
  }
  return count * sizeof(Step);
}

}  // namespace steps
