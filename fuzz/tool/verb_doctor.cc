// doctor: what this machine has and lacks, and the command that mends it. Changes nothing.

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "fuzz/tool/afl_run.h"
#include "fuzz/tool/arguments.h"
#include "fuzz/tool/browser.h"
#include "fuzz/tool/build.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/json_text.h"
#include "fuzz/tool/process.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/table.h"
#include "fuzz/tool/terminal.h"
#include "fuzz/tool/verb.h"

namespace tool {

extern const Verb kDoctorVerb;

namespace {

using nlohmann::json;

enum class State { kOk, kNote, kMissing };

struct Check {
  State state = State::kOk;
  std::string what;
  std::string detail;
  std::string mend;  // a command, for what is not ok
};

const char* state_name(State state) {
  switch (state) {
    case State::kOk:
      return "ok";
    case State::kNote:
      return "note";
    case State::kMissing:
      return "missing";
  }
  return "?";
}

// A program with a planted bug, and what the sanitizer must say of it.
struct Probe {
  const char* what;
  const char* flags;
  const char* code;
  const char* expected;
};

constexpr Probe kProbes[] = {
    {"AddressSanitizer", "-fsanitize=address",
     "#include <cstdlib>\n"
     "int main() { char* p = (char*)malloc(1); free(p); return *(volatile char*)p; }\n",
     "heap-use-after-free"},
    {"LeakSanitizer", "-fsanitize=address",
     "#include <cstdlib>\n"
     "void* volatile p; int main() { p = malloc(7); p = nullptr; }\n",
     "detected memory leaks"},
    {"ThreadSanitizer", "-fsanitize=thread",
     "#include <thread>\n"
     "int n; int main() { std::thread t([] { n = 1; }); n = 2; t.join(); }\n",
     "data race"},
    {"MemorySanitizer", "-fsanitize=memory",
     "#include <cstdlib>\n"
     "int main() { int* p = (int*)malloc(4); return *p == 3 ? 1 : 0; }\n",
     "use-of-uninitialized-value"},
    {"UndefinedBehaviorSanitizer", "-fsanitize=undefined",
     "int main(int n, char**) { return n << (n + 40); }\n", "runtime error: shift exponent"},
    {"libFuzzer", "-fsanitize=fuzzer",
     "#include <cstddef>\n#include <cstdint>\n"
     "extern \"C\" int LLVMFuzzerTestOneInput(const uint8_t*, size_t) { return 0; }\n",
     "Done 4 runs"},
};

std::string first_line(const std::string& text) {
  return printable(trim(text.substr(0, text.find('\n'))));
}

std::string first_line_of_file(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// Runs a program that may not exist.
Finished try_run(const std::vector<std::string>& argv, bool no_aslr = false) {
  Command command;
  command.argv = argv;
  command.no_aslr = no_aslr;
  command.deadline = std::chrono::seconds(60);
  // Options of the caller's shell would change what the probes print.
  for (const char* name :
       {"ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "MSAN_OPTIONS"}) {
    command.env[name] = std::nullopt;
  }
  try {
    return run_and_capture(command);
  } catch (const SpawnError& error) {
    Finished finished;
    finished.exit.code = 127;
    finished.output = error.what();
    return finished;
  }
}

// What ci/setup says of the packages in ci/packages, and which compiler builds will use.
struct Packages {
  std::vector<Check> checks;
  std::string compiler;
  std::string mend;
};

Packages check_packages(const Project& project) {
  Packages packages;
  Finished finished = try_run({(project.root() / "ci/setup").string(), "--check"});
  for (const std::string& line : split(finished.output, '\n')) {
    std::vector<std::string> fields = split(line, '\t');
    if (fields[0] == "compiler" && fields.size() == 2) packages.compiler = fields[1];
    if (fields[0] == "mend" && fields.size() == 2) packages.mend = fields[1];
    if ((fields[0] == "ok" || fields[0] == "missing") && fields.size() == 3) {
      State state = fields[0] == "ok" ? State::kOk : State::kMissing;
      packages.checks.push_back({state, fields[1], fields[2], ""});
    }
  }
  for (Check& check : packages.checks) {
    if (check.state == State::kMissing) check.mend = packages.mend;
  }
  if (packages.checks.empty()) {
    packages.checks.push_back({State::kMissing, "ci/setup --check",
                               first_line(finished.output) + " (" + finished.exit.describe() + ")",
                               "ci/setup"});
  }
  return packages;
}

Check check_compiler(const Packages& packages) {
  if (packages.compiler.empty()) {
    return {State::kMissing, "compiler", "no clang 16 or later", packages.mend};
  }
  Finished version = try_run({packages.compiler, "--version"});
  bool works = version.exit.clean();
  return {works ? State::kOk : State::kMissing, "compiler",
          packages.compiler + ": " + first_line(version.output), works ? "" : packages.mend};
}

Check check_probe(const Probe& probe, const Packages& packages, const fs::path& folder) {
  Check check{State::kMissing, probe.what, "", packages.mend};
  if (packages.compiler.empty()) {
    check.detail = "needs the compiler";
    return check;
  }
  fs::path source = folder / "probe.cc";
  fs::path program = folder / "probe";
  write_file(source, probe.code);
  Finished built = try_run({packages.compiler, "-w", "-g", "-pthread", probe.flags, source.string(),
                            "-o", program.string()});
  if (!built.exit.clean()) {
    check.detail = "does not link: " + first_line(built.output);
    return check;
  }
  // ThreadSanitizer misses a race between real threads now and then.
  constexpr int kTries = 3;
  Finished ran;
  for (int i = 0; i < kTries; i++) {
    ran = try_run({program.string(), "-runs=4"});
    if (ran.output.find(probe.expected) != std::string::npos) {
      return {State::kOk, probe.what, "links, runs and reports", ""};
    }
  }
  bool ptrace = ran.output.find("LeakSanitizer has encountered a fatal error") != std::string::npos;
  check.detail = ptrace ? "cannot stop its process: ptrace is forbidden here (container, debugger?)"
                        : "runs, but does not report: " + first_line(ran.output);
  if (ptrace) check.mend = "run it outside of the container, or with --cap-add=SYS_PTRACE";
  return check;
}

// Not in ci/packages: nothing needs it but `fuzz --engine afl`.
Check check_afl() {
  try {
    return {State::kOk, "AFL++ (optional)", find_afl().string(), ""};
  } catch (const EnvironmentError&) {
    return {State::kNote, "AFL++ (optional)", "not installed: no 'fuzz --engine afl'",
            "apt-get install afl++"};
  }
}

// Nor this, which Ubuntu has no package of: one test looks at the report in it, and is skipped
// without.
Check check_browser() {
  const fs::path browser = find_browser();
  if (!browser.empty()) return {State::kOk, "Chromium (optional)", browser.string(), ""};
  return {State::kNote, "Chromium (optional)",
          "not installed: the report is not tried in a browser", "apt-get install chromium"};
}

std::vector<Check> check_system(const Project& project) {
  std::vector<Check> checks = {check_afl(), check_browser()};
  checks.push_back({State::kOk, "cores", std::to_string(cores()), ""});

  uint64_t available_kb = 0;
  std::ifstream meminfo("/proc/meminfo");
  for (std::string line; std::getline(meminfo, line);) {
    constexpr std::string_view kAvailable = "MemAvailable:";
    if (line.starts_with(kAvailable)) {
      std::string rest(trim(std::string_view(line).substr(kAvailable.size())));
      available_kb = to_number(rest.substr(0, rest.find(' '))).value_or(0);
    }
  }
  constexpr uint64_t kJobKb = 1 << 20;  // a tsan or asan job with its corpus stays well below
  bool enough = available_kb >= kJobKb * cores();
  checks.push_back({enough ? State::kOk : State::kNote, "memory",
                    fmt::format("{:.1f} GiB available", static_cast<double>(available_kb) / kJobKb),
                    enough ? "" : "./fencebench fuzz --jobs 1"});

  std::error_code error;
  fs::space_info disk = fs::space(project.root(), error);
  constexpr uint64_t kDisk = 4ull << 30;
  bool space = !error && disk.available >= kDisk;
  checks.push_back({space ? State::kOk : State::kNote, "disk",
                    fmt::format("{:.1f} GiB free", static_cast<double>(disk.available) / (1 << 30)),
                    space ? "" : "rm -r build out"});

  std::string aslr = first_line_of_file("/proc/sys/kernel/randomize_va_space");
  std::string bits = first_line_of_file("/proc/sys/vm/mmap_rnd_bits");
  if (bits.empty()) bits = "an unknown number of";
  checks.push_back({State::kOk, "address randomization",
                    aslr == "0" ? "off" : fmt::format("on, {} bits", bits), ""});
  bool personality = try_run({"true"}, true).exit.clean();
  checks.push_back({personality ? State::kOk : State::kNote, "switching it off",
                    personality ? "allowed" : "forbidden here: no 'repro --no-aslr'",
                    personality ? "" : "run it outside of the sandbox"});

  std::string scope = first_line_of_file("/proc/sys/kernel/yama/ptrace_scope");
  bool no_ptrace = scope == "3";
  checks.push_back({no_ptrace ? State::kNote : State::kOk, "ptrace scope",
                    scope.empty() ? "not restricted" : scope,
                    no_ptrace ? "sysctl -w kernel.yama.ptrace_scope=1 (after a reboot)" : ""});

  std::string core = first_line_of_file("/proc/sys/kernel/core_pattern");
  bool piped = core.starts_with('|');
  checks.push_back({piped ? State::kNote : State::kOk, "core pattern",
                    piped ? "each crash starts " + printable(core.substr(1)) : printable(core),
                    piped ? "sysctl -w kernel.core_pattern=core" : ""});
  return checks;
}

int run(const std::vector<std::string>& arguments) {
  bool as_json = false;
  auto app = command_line(kDoctorVerb,
                          "Says what this machine has and lacks, and the command that mends it. "
                          "Changes nothing.",
                          "  ./fencebench doctor");
  app->add_flag("--json", as_json, "Print a machine-readable result");
  parse(*app, arguments);

  Project project = Project::find();
  Progress progress;
  progress.block({"looking for packages"});
  Packages packages = check_packages(project);
  std::vector<Check> checks = {check_compiler(packages)};
  checks.insert(checks.end(), packages.checks.begin(), packages.checks.end());
  ScratchFolder scratch(fs::temp_directory_path());
  for (const Probe& probe : kProbes) {
    if (interrupted()) throw EnvironmentError("interrupted");
    progress.block({fmt::format("trying {}", probe.what)});
    checks.push_back(check_probe(probe, packages, scratch.path()));
  }
  for (Check& check : check_system(project)) checks.push_back(std::move(check));
  progress.clear();

  bool complete = true;
  for (const Check& check : checks) complete = complete && check.state != State::kMissing;
  int code = complete ? kNothingFound : kEnvironmentAtFault;
  if (as_json) {
    json list = json::array();
    for (const Check& check : checks) {
      json entry = {
          {"state", state_name(check.state)}, {"what", check.what}, {"detail", check.detail}};
      if (!check.mend.empty()) entry["mend"] = check.mend;
      list.push_back(entry);
    }
    json result = {{"verb", "doctor"}, {"checks", list}, {"exit", code}};
    fmt::print("{}\n", json_text(result));
    return code;
  }
  Table table({"state", "what", "detail"});
  for (const Check& check : checks) table.row({state_name(check.state), check.what, check.detail});
  fmt::print("{}", table.text());
  std::vector<std::string> commands;
  for (const Check& check : checks) {
    bool new_one = std::find(commands.begin(), commands.end(), check.mend) == commands.end();
    if (check.mend.empty() || !new_one) continue;
    commands.push_back(check.mend);
    fmt::print("\nto mend '{}':\n  {}\n", check.what, check.mend);
  }
  fmt::print("\n{}\n", complete ? "all there" : "something is missing");
  return code;
}

}  // namespace

const Verb kDoctorVerb = {"doctor", "what this machine lacks, and the command that mends it", run};

}  // namespace tool
