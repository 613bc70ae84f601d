#include "fuzz/tool/target_table.h"

#include <algorithm>
#include <string>

namespace tool {
namespace {

constexpr std::string_view kOnlyWhenNamed[] = {
    "canary_fuzzer",  // fails on purpose: it proves that failures are reported
    "empty_fuzzer",   // does nothing: the baseline of throughput figures
};

}  // namespace

TargetInfo target_info(std::string_view name) {
  bool only_when_named = std::find(std::begin(kOnlyWhenNamed), std::end(kOnlyWhenNamed), name) !=
                         std::end(kOnlyWhenNamed);
  return {.form = text_form::of_target(std::string(name)), .by_default = !only_when_named};
}

}  // namespace tool
