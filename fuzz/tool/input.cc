#include "fuzz/tool/input.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "fuzz/program/codec.h"
#include "fuzz/targets/text_form.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/target_table.h"

namespace tool {

using text_form::Form;

namespace {

std::string caret_excerpt(std::string_view text, int line_number, int column) {
  std::vector<std::string> lines = split(text, '\n');
  auto index = static_cast<size_t>(std::max(line_number, 1) - 1);
  if (index >= lines.size()) return "";
  std::string_view line = lines[index];
  if (line.ends_with('\r')) line.remove_suffix(1);
  auto before = std::min(static_cast<size_t>(std::max(column, 1) - 1), line.size());
  // The caret stands below the column as shown: what printable() widens shifts it, tabs keep tabs.
  std::string indent = printable(line.substr(0, before));
  for (char& c : indent) {
    if (c != '\t') c = ' ';
  }
  return fmt::format("  {}\n  {}^", printable(line), indent);
}

// corpus/<target>/x and out/corpus/<target>/<build>/x are inputs of that target,
// corpus/defects/NAME.* shows the defect NAME; a program does on the main target.
void guess_from_folder(const fs::path& path, FindingComment& comment) {
  std::error_code error;
  fs::path whole = fs::absolute(path, error).lexically_normal();
  std::vector<std::string> parts(whole.begin(), whole.end());
  for (size_t i = 0; i + 2 < parts.size(); i++) {
    if (parts[i] != "corpus") continue;
    if (parts[i + 1] == "defects") {
      if (text_form::of_file(path.string()) == Form::kProgram) comment.target = kMainTarget;
      comment.defect = whole.stem().string();
    } else if (parts[i + 1] != "regressions") {  // they say it themselves
      comment.target = parts[i + 1];
    }
  }
}

}  // namespace

ProgramError::ProgramError(const fs::path& path, std::string_view text,
                           const program::ParseError& error)
    : UsageError(fmt::format("{}:{}:{}: {}", printable(path.string()), error.line, error.column,
                             printable(error.message))),
      excerpt(caret_excerpt(text, error.line, error.column)) {}

program::Program parse_program(const fs::path& path, std::string_view text) {
  auto parsed = program::parse(text);
  if (auto* error = std::get_if<program::ParseError>(&parsed)) {
    throw ProgramError(path, text, *error);
  }
  return std::get<program::Program>(std::move(parsed));
}

std::vector<uint8_t> assemble(const fs::path& path, const std::string& target,
                              const std::string& content) {
  Form form = text_form::of_file(path.string());
  if (form == Form::kProgram) return program::encode(parse_program(path, content));
  auto assembled = text_form::assemble(form, target, content);
  if (auto* error = std::get_if<text_form::Error>(&assembled)) {
    throw UsageError(
        fmt::format("{}:{}: {}", printable(path.string()), error->line, printable(error->message)));
  }
  return std::get<std::vector<uint8_t>>(std::move(assembled));
}

Input load_input(const fs::path& path, const std::string& target) {
  std::string content = read_named_file(path);
  Input input;
  input.path = path;
  Form form = text_form::of_file(path.string());
  input.is_text = form != Form::kBytes;
  if (input.is_text) {
    fs::path shown = Project::shown(fs::absolute(path));
    bool is_program = form == Form::kProgram;
    if (auto comment = parse_comment(content)) input.comment = *comment;
    if (input.comment.target.empty()) guess_from_folder(path, input.comment);
    if (!target.empty()) input.comment.target = target;
    if (input.comment.target.empty() && is_program) input.comment.target = kMainTarget;
    if (input.comment.target.empty()) {
      throw UsageError(
          fmt::format("'{}' does not say which target it is for: its folder has no "
                      "target's name; add --target",
                      printable(shown.string())));
    }
    if (is_program) input.program = parse_program(shown, content);
    input.bytes = assemble(shown, input.comment.target, content);
    return input;
  }
  input.bytes.assign(content.begin(), content.end());
  fs::path sidecar = sidecar_of(path);
  std::error_code ignored;
  if (sidecar != path && fs::exists(sidecar, ignored)) {
    input.comment = comment_from_json(read_named_file(sidecar), sidecar);
  } else {
    guess_from_folder(path, input.comment);
  }
  if (!target.empty()) input.comment.target = target;
  if (input.comment.target.empty() || target_info(input.comment.target).form == Form::kProgram) {
    input.program = program::decode(input.bytes.data(), input.bytes.size());
  }
  return input;
}

}  // namespace tool
