#include "fuzz/targets/target_options.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "core/kernel/report.h"
#include "core/kernel/suppress.h"
#include "core/sched/decider.h"
#include "core/sched/explorer.h"
#include "fuzz/targets/canary_file.h"

namespace {

[[noreturn]] void refuse(const char* option) {
  std::fprintf(
      stderr,
      "fencebench: FENCEBENCH_OPTIONS: cannot make sense of '%s'; known are checks=all|none, "
      "trace_hash=0|1, print_program=0|1, determinism=once|twice, suppressions=FILE, trace=FILE, "
      "points=0|1, "
      "fork_server=FIFO, conflicts=FILE, canary=FILE, mutator=ours|bytes, leak_check=0|1, "
      "die_with_parent=0|1, "
      "schedule=input|random[-SEED]|pct-DEPTH[-SEED]|search-PREEMPTIONS|plain-search-PREEMPTIONS, "
      "search_limit=N, search_file=FILE\n",
      option);
  _exit(2);
}

// AFL++ stops a fork between two inputs, so it sees no end of its pipes.
void die_with_parent() {
  pthread_atfork(nullptr, nullptr, [] { prctl(PR_SET_PDEATHSIG, SIGKILL); });
}

void suppress(const char* path) {
  char message[1024];
  if (kernel::load_suppressions(path, message, sizeof message)) return;
  std::fprintf(stderr, "fencebench: suppressions: %s\n", message);
  _exit(2);
}

void keep_canary(const char* path) {
  if (keep_canary_in(path)) return;
  std::perror("fencebench: canary");
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

// The number at the start of `text`, which goes on after it and after `end`; 0: nothing follows.
bool read_number(const char*& text, char end, uint64_t limit, uint64_t* number) {
  if (*text < '0' || *text > '9') return false;
  char* rest = nullptr;
  *number = std::strtoull(text, &rest, 10);
  if (*rest != end || *number > limit) return false;
  text = rest + (end != 0);
  return true;
}

bool skip(const char*& text, const char* prefix) {
  const size_t length = std::strlen(prefix);
  if (std::strncmp(text, prefix, length) != 0) return false;
  text += length;
  return true;
}

// "-SEED", or nothing.
bool read_seed(const char* text, TargetOptions& options) {
  options.schedule_of_input = *text == 0;
  return *text == 0 ||
         (skip(text, "-") && read_number(text, 0, UINT64_MAX, &options.schedule_seed));
}

bool read_schedule(const char* text, TargetOptions& options) {
  uint64_t number = 0;
  if (std::strcmp(text, "input") == 0) {
    options.schedule = ScheduleFrom::kInput;
    return true;
  }
  if (skip(text, "random")) {
    options.schedule = ScheduleFrom::kRandom;
    return read_seed(text, options);
  }
  if (skip(text, "pct-")) {
    options.schedule = ScheduleFrom::kPct;
    char* rest = nullptr;
    options.pct_depth = static_cast<unsigned>(std::strtoul(text, &rest, 10));
    const bool sane = options.pct_depth >= 1 && options.pct_depth <= sched::PctDecider::kMaxDepth;
    return sane && *text >= '0' && *text <= '9' && read_seed(rest, options);
  }
  options.search_prune = !skip(text, "plain-");
  if (!skip(text, "search-") || !read_number(text, 0, sched::Explorer::kMaxPreemptions, &number))
    return false;
  options.schedule = ScheduleFrom::kSearch;
  options.search_preemptions = static_cast<unsigned>(number);
  return true;
}

void apply(const char* option, TargetOptions& options) {
  if (const char* checks = value_of(option, "checks")) {
    const bool all = std::strcmp(checks, "all") == 0;
    if (!all && std::strcmp(checks, "none") != 0) refuse(option);
    kernel::checks_enabled = all;
  } else if (const char* trace_hash = value_of(option, "trace_hash")) {
    options.trace_hash = to_bool(option, trace_hash);
  } else if (const char* print_program = value_of(option, "print_program")) {
    options.print_program = to_bool(option, print_program);
  } else if (const char* points = value_of(option, "points")) {
    options.points = to_bool(option, points);
  } else if (const char* determinism = value_of(option, "determinism")) {
    options.determinism_twice = std::strcmp(determinism, "twice") == 0;
    if (!options.determinism_twice && std::strcmp(determinism, "once") != 0) refuse(option);
  } else if (const char* leak_check = value_of(option, "leak_check")) {
    options.leak_check = to_bool(option, leak_check);
  } else if (const char* die = value_of(option, "die_with_parent")) {
    if (to_bool(option, die)) die_with_parent();
  } else if (const char* conflicts = value_of(option, "conflicts")) {
    std::snprintf(options.conflicts, sizeof options.conflicts, "%s", conflicts);
  } else if (const char* canary = value_of(option, "canary")) {
    keep_canary(canary);
  } else if (const char* mutator = value_of(option, "mutator")) {
    options.only_bytes = std::strcmp(mutator, "bytes") == 0;
    if (!options.only_bytes && std::strcmp(mutator, "ours") != 0) refuse(option);
  } else if (const char* fifo = value_of(option, "fork_server")) {
    std::snprintf(options.fork_server, sizeof options.fork_server, "%s", fifo);
  } else if (const char* trace = value_of(option, "trace")) {
    std::snprintf(options.trace_file, sizeof options.trace_file, "%s", trace);
  } else if (const char* suppressions = value_of(option, "suppressions")) {
    suppress(suppressions);
  } else if (const char* schedule = value_of(option, "schedule")) {
    if (!read_schedule(schedule, options)) refuse(option);
  } else if (const char* limit = value_of(option, "search_limit")) {
    if (!read_number(limit, 0, UINT64_MAX, &options.search_limit)) refuse(option);
  } else if (const char* place = value_of(option, "search_file")) {
    std::snprintf(options.search_file, sizeof options.search_file, "%s", place);
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
