#include "fuzz/tool/target_table.h"

namespace tool {
namespace {

constexpr TargetInfo kTargets[] = {
    {.name = kMainTarget, .program = true, .by_default = true},
    {.name = "userq_threads_fuzzer", .program = true, .by_default = true},
    // Fails on purpose: it proves that failures are reported.
    {.name = "canary_fuzzer", .program = false, .by_default = false},
    // Does nothing: the baseline of throughput figures.
    {.name = "empty_fuzzer", .program = false, .by_default = false},
    // Does nothing: the baseline of throughput figures.
    {.name = "empty_fuzzer", .program = false, .by_default = false},
};

}  // namespace

TargetInfo target_info(std::string_view name) {
  for (const TargetInfo& target : kTargets) {
    if (target.name == name) return target;
  }
  return {.name = name, .program = false, .by_default = true};
}

}  // namespace tool
