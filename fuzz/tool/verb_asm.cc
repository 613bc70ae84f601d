// asm FILE: an input as text becomes the bytes that a target reads.

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "fuzz/tool/arguments.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/input.h"
#include "fuzz/tool/nearest.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/verb.h"

namespace tool {

extern const Verb kAsmVerb;

namespace {

int run(const std::vector<std::string>& arguments) {
  std::string file;
  std::optional<std::string> out;
  bool json = false;
  std::string reader;
  auto app = command_line(
      kAsmVerb,
      "Turns an input as text (.fence, .steps, .calls) into the bytes that a target reads.",
      "  ./fencebench asm my.fence -o my.bin");
  app->add_option("FILE", file, "A .fence, .steps or .calls file")->required();
  app->add_option("--target", reader, "The target that it is for")->type_name("NAME");
  app->add_option("-o,--out", out,
                  "Where the bytes go; '-' is stdout (default: beside FILE, ending in .bin)");
  app->add_flag("--json", json, "Print a machine-readable result");
  parse(*app, arguments);

  fs::path path = file;
  if (!reader.empty()) require_known("target", reader, Project::find().targets());
  Input input = load_input(path, reader);
  if (!input.is_text) {
    throw UsageError(fmt::format("'{}' is no text: neither .fence nor .steps nor .calls",
                                 printable(path.string())));
  }
  const std::vector<uint8_t>& bytes = input.bytes;
  std::string content(bytes.begin(), bytes.end());
  if (out && *out == "-") {
    if (json) throw UsageError("--json and '-o -' both want stdout; name a file with -o");
    if (::isatty(STDOUT_FILENO)) {
      throw UsageError("bytes do not belong on a terminal; name a file with -o");
    }
    std::fwrite(content.data(), 1, content.size(), stdout);
    return kNothingFound;
  }
  fs::path target = out ? fs::path(*out) : fs::path(path).replace_extension(".bin");
  std::error_code ignored;
  if (fs::equivalent(path, target, ignored)) {
    throw UsageError(fmt::format("'{}' would be overwritten; name another file with -o",
                                 printable(path.string())));
  }
  if (fs::is_directory(target, ignored)) {
    throw UsageError(
        fmt::format("'{}' is a folder; name a file with -o", printable(target.string())));
  }
  fs::path folder = target.parent_path();
  if (!target.has_filename() || (!folder.empty() && !fs::is_directory(folder, ignored))) {
    throw UsageError(
        fmt::format("cannot write '{}': there is no such folder", printable(target.string())));
  }
  write_file(target, content);
  if (json) {
    nlohmann::json result = {{"verb", "asm"},
                             {"file", path.string()},
                             {"out", target.string()},
                             {"bytes", bytes.size()}};
    fmt::print("{}\n", result.dump(2));
  } else {
    fmt::print("{}: {} bytes\n", printable(target.string()), bytes.size());
  }
  return kNothingFound;
}

}  // namespace

const Verb kAsmVerb = {"asm", "turn an input as text into bytes", run};

}  // namespace tool
