// The input language against itself. Each input is taken twice: its bytes as a program, and its
// bytes as text.
// - As a program: it is valid; bytes, text and the reports' printer lead back to it; what mutation
//   and crossover make of it is valid.
// - As text: an error with its place, or a program that leads back to itself.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

#include "fuzz/program/codec.h"
#include "fuzz/program/mutate.h"
#include "fuzz/program/mutate_bytes.h"
#include "fuzz/program/print.h"
#include "fuzz/program/rng.h"
#include "fuzz/program/valid.h"
#include "fuzz/targets/determinism_guard.h"
#include "fuzz/targets/fork_server.h"
#include "fuzz/targets/leak_check.h"
#include "fuzz/targets/mutator.h"
#include "fuzz/targets/target_options.h"
#include "fuzz/targets/target_trace.h"
#include "fuzz/targets/text_checks.h"

namespace {

using program::Program;
using Bytes = std::vector<uint8_t>;

TargetOptions options;

// What a run computed, in place of the trace of a schedule.
sched::Trace result;

void add_to_result(const void* data, size_t size) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  for (size_t i = 0; i < size; ++i) result.hash = (result.hash ^ bytes[i]) * 0x100000001b3;
  ++result.points;
}

void check_bytes(const Program& program) {
  const Bytes bytes = program::encode(program);
  require(bytes.size() == program::encoded_size(program), "encoded_size",
          "not the size that encode() spends");
  const Program again = program::decode(bytes.data(), bytes.size());
  require(again == program, "decode", "the encoding of a program decodes to another one");
  require(program::encode(again) == bytes, "encode", "encoding twice gives other bytes");
  add_to_result(bytes.data(), bytes.size());
}

// What the reports inside the targets print.
void check_print(const Program& program) {
  auto take_line = [](void*, const char* line, size_t size) {
    require(size > 0 && std::memchr(line, '\n', size) == line + size - 1, "print_program",
            "a line does not end with its only line end");
    if (options.print_program) std::fwrite(line, 1, size, stderr);
    add_to_result(line, size);
  };
  program::print_program(program, take_line, nullptr);
  for (const program::Op& op : program.ops) {
    char line[program::kMaxOpText];
    const size_t size = program::format_op(op, line, sizeof line);
    require(size < sizeof line, "format_op", "an operation is longer than kMaxOpText");
  }
}

void check_mutants(const Program& program, const uint8_t* data, size_t size) {
  program::Rng rng(result.hash);
  Program mutant = program;
  for (unsigned n = 1 + rng.below(8); n > 0; --n) program::mutate(mutant, rng);
  require(program::is_valid(mutant), "mutate", "a mutant is not valid");
  const Program child = program::crossover(program, mutant, rng);
  require(program::is_valid(child), "crossover", "a child is not valid");
  check_bytes(mutant);
  check_bytes(child);

  // As libFuzzer calls them, with little room.
  const size_t room = 1 + rng.below(128);
  Bytes out(room);
  std::copy_n(data, std::min(size, room), out.begin());
  const auto seed = static_cast<unsigned>(rng.next());
  require(program::custom_mutate(out.data(), std::min(size, room), room, seed) <= room,
          "custom_mutate", "a mutant is larger than its room");
  const Bytes other = program::encode(child);
  require(program::custom_crossover(data, size, other.data(), other.size(), out.data(), room,
                                    seed) <= room,
          "custom_crossover", "a child is larger than its room");
}

void run(const uint8_t* data, size_t size) {
  traced_run_begins();
  result = {0xcbf29ce484222325, 0, 0};
  const Program program = program::decode(data, size);
  require(program::is_valid(program), "decode", "a decoded program is not valid");
  check_bytes(program);
  check_print(program);
  check_mutants(program, data, size);
  check_text_of(program);
  check_as_text(data, size);
  traced_run_ends();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const TargetOptions asked = read_target_options();
  run(nullptr, 0);  // without the options that print
  options = asked;
  set_trace_source([] { return result; });
  trace_runs(options);
  guard_runs(options);
  check_leaks(options);
  serve_forks(options);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  run_guarded(run, data, size);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  return mutate_input(data, size, max_size, seed, {});
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* data1, size_t size1,
                                            const uint8_t* data2, size_t size2, uint8_t* out,
                                            size_t max_size, unsigned seed) {
  return cross_inputs(data1, size1, data2, size2, out, max_size, seed);
}
