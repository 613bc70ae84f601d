#include "fuzz/targets/target_options.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "core/kernel/report.h"
#include "core/kernel/suppress.h"

namespace {

[[noreturn]] void refuse(const char* option) {
  std::fprintf(
      stderr,
      "fencebench: FENCEBENCH_OPTIONS: cannot make sense of '%s'; known are checks=all|none, "
      "trace_hash=0|1, print_program=0|1, schedule=input|random-SEED, suppressions=FILE\n",
      option);
  _exit(2);
}

void suppress(const char* path) {
  char message[1024];
  if (kernel::load_suppressions(path, message, sizeof message)) return;
  std::fprintf(stderr, "fencebench: suppressions: %s\n", message);
  _exit(2);
}

// The value if `option` is `key`=value.
const char* value_of(const char* option, const char* key) {
  const size_t length = std::strlen(key);
  return std::strncmp(option, key, length) == 0 && option[length] == '=' ? option + length + 1
                                                                         : nullptr;
}

bool to_bool(const char* option, const char* value) {
  if (std::strcmp(value, "1") == 0) return true;
  if (std::strcmp(value, "0") == 0) return false;
  refuse(option);
}

void apply(const char* option, TargetOptions& options) {
  constexpr char kRandom[] = "random-";
  if (const char* checks = value_of(option, "checks")) {
    const bool all = std::strcmp(checks, "all") == 0;
    if (!all && std::strcmp(checks, "none") != 0) refuse(option);
    kernel::checks_enabled = all;
  } else if (const char* trace_hash = value_of(option, "trace_hash")) {
    options.trace_hash = to_bool(option, trace_hash);
  } else if (const char* print_program = value_of(option, "print_program")) {
    options.print_program = to_bool(option, print_program);
  } else if (const char* suppressions = value_of(option, "suppressions")) {
    suppress(suppressions);
  } else if (const char* schedule = value_of(option, "schedule")) {
    options.random_schedule = std::strncmp(schedule, kRandom, sizeof kRandom - 1) == 0;
    if (!options.random_schedule) {
      if (std::strcmp(schedule, "input") != 0) refuse(option);
      return;
    }
    char* end = nullptr;
    const char* seed = schedule + sizeof kRandom - 1;
    options.schedule_seed = std::strtoull(seed, &end, 10);
    if (*seed == 0 || *end != 0) refuse(option);
  } else {
    refuse(option);
  }
}

}  // namespace

TargetOptions read_target_options() {
  TargetOptions options;
  const char* text = std::getenv("FENCEBENCH_OPTIONS");
  if (text == nullptr) return options;
  char* copy = strdup(text);
  for (char* option = copy; option != nullptr;) {
    char* end = std::strchr(option, ':');
    if (end != nullptr) *end = 0;
    if (*option != 0) apply(option, options);
    option = end != nullptr ? end + 1 : nullptr;
  }
  std::free(copy);
  return options;
}
