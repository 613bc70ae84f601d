// show FILE: an input as text that a person can read; or, executed, what it does.

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "fuzz/targets/text_form.h"
#include "fuzz/tool/arguments.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/highlight.h"
#include "fuzz/tool/input.h"
#include "fuzz/tool/json_text.h"
#include "fuzz/tool/nearest.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/show_trace.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/terminal.h"
#include "fuzz/tool/verb.h"

namespace tool {

extern const Verb kShowVerb;

namespace {

std::string hex_digits(const std::vector<uint8_t>& bytes) {
  std::string digits;
  for (uint8_t byte : bytes) digits += fmt::format("{:02x}", byte);
  return digits;
}

// 16 bytes a line: offset, hex, the printable ones as text.
std::string hex_dump(const std::vector<uint8_t>& bytes) {
  constexpr size_t kPerLine = 16;
  std::string out;
  for (size_t start = 0; start < bytes.size(); start += kPerLine) {
    std::string hex;
    std::string text;
    for (size_t i = start; i < std::min(bytes.size(), start + kPerLine); i++) {
      hex += fmt::format("{:02x} ", bytes[i]);
      text += bytes[i] >= 0x20 && bytes[i] < 0x7f ? static_cast<char>(bytes[i]) : '.';
    }
    out += fmt::format("{:04x}  {:<48} {}\n", start, hex, text);
  }
  return out;
}

// The file's own text, with its comments, which its bytes do not hold.
std::string own_text(const Input& input) {
  std::string text;
  for (const std::string& line : split(trim(read_named_file(input.path)), '\n')) {
    text += printable(line.ends_with('\r') ? line.substr(0, line.size() - 1) : line) + "\n";
  }
  return text;
}

void check_combination(const TraceRequest& request, bool trace, bool bytes) {
  const bool executes = trace || request.html || request.diff;
  if (request.files.size() > (request.diff ? 2 : 1))
    throw UsageError(request.diff ? "--diff compares two files" : "two files need --diff");
  if (static_cast<int>(bytes) + trace + request.html + request.diff > 1)
    throw UsageError("only one of --bytes, --trace, --html and --diff at a time");
  const RunFlags& flags = request.flags;
  if (!executes && (flags.defect || flags.checks || !flags.sanitizers.empty() || request.all ||
                    !request.schedule.empty()))
    throw UsageError(
        "--sanitizer, --defect, --checks, --schedule and --all go with --trace, --html or --diff");
  if (request.out && !request.html) throw UsageError("-o goes with --html");
  if (request.out && *request.out == "-" && request.json)
    throw UsageError("--json and '-o -' both want stdout; name a file with -o");
}

int run(const std::vector<std::string>& arguments) {
  TraceRequest request;
  bool bytes = false;
  bool trace = false;
  auto app = command_line(
      kShowVerb,
      "Prints an input as text: a .fence, .steps or .calls file, or the bytes libFuzzer left. "
      "With --trace, --html or --diff it is executed, and what happened is shown step by step.",
      "  ./fencebench show out/findings/userq_fuzzer/reference-leak-1a2b3c4d.fence\n"
      "  ./fencebench show crash-0123 --target dma_fence_fuzzer\n"
      "  ./fencebench show --trace FILE | less\n"
      "  ./fencebench show --diff corpus/defects/leak-signaled-at-create.fence");
  app->add_option("FILE", request.files, "A .fence, .steps or .calls file, or a file of bytes")
      ->required()
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app->add_flag("--bytes", bytes, "Print the bytes the target reads, in hex");
  app->add_flag("--trace", trace, "Execute it and show what happens, a column for each thread");
  app->add_flag("--html", request.html, "The same as a page for a browser");
  app->add_option("-o,--out", request.out,
                  "Where the page goes; '-' is stdout (default: beside FILE, ending in .html)");
  app->add_flag("--diff", request.diff,
                "Where two runs part: of two files, or of one without and with its defect");
  app->add_flag("--all", request.all, "Every scheduling point, and set-up and clean-up in full");
  add_run_flags(*app, request.flags);
  app->add_option("--schedule", request.schedule,
                  "random-SEED or pct-DEPTH-SEED in place of the input's own schedule")
      ->type_name("WHICH");
  app->add_flag("--json", request.json, "Print a machine-readable result");
  parse(*app, arguments);
  check_combination(request, trace, bytes);
  if (trace || request.html || request.diff) return show_trace(request);

  const std::string& file = request.files.front();
  const std::string target = request.flags.target.value_or("");
  const bool json = request.json;
  if (!target.empty()) require_known("target", target, Project::find().targets());
  Input input = load_input(file, target);
  std::string text = input.program ? program::to_text(*input.program)
                                   : text_form::disassemble(input.comment.target, input.bytes);
  if (json) {
    nlohmann::json result = {{"verb", "show"},
                             {"file", file},
                             {"bytes", hex_digits(input.bytes)},
                             {"run", to_json(input.comment)}};
    if (!input.program && !text.empty()) result["text"] = text;
    if (input.program) {
      result["program"] = text;
      result["operations"] = input.program->ops.size();
      result["preemptions"] = input.program->schedule.size();
    }
    fmt::print("{}\n", json_text(result));
  } else if (bytes) {
    fmt::print("{}", hex_dump(input.bytes));
  } else if (text.empty() && !input.bytes.empty()) {
    fmt::print("{} takes bytes, which have no text:\n{}", printable(input.comment.target),
               hex_dump(input.bytes));
  } else {
    if (input.is_text) text = own_text(input);
    fmt::print("{}", input.program && wants_colour(STDOUT_FILENO) ? highlight(text) : text);
  }
  return kNothingFound;
}

}  // namespace

const Verb kShowVerb = {"show", "print an input as text that a person can read", run};

}  // namespace tool
