#include "fuzz/targets/text_form.h"

#include <algorithm>

#include "fuzz/program/codec.h"
#include "fuzz/program/text.h"
#include "fuzz/targets/hostile.h"
#include "fuzz/targets/steps.h"

namespace text_form {

namespace {

using Bytes = std::vector<uint8_t>;
using Assembled = std::variant<Bytes, Error>;

constexpr const char* kExtensions[] = {".fence", ".steps", ".calls", ".bin"};

Assembled assemble_program(std::string_view text) {
  auto parsed = program::parse(text);
  if (auto* error = std::get_if<program::ParseError>(&parsed))
    return Error{error->line, error->column, error->message};
  return program::encode(std::get<program::Program>(parsed));
}

// Line by line: `add` appends the bytes of a line, or says what is wrong with it.
template <typename Add>
Assembled assemble_lines(std::string_view text, Add add) {
  Bytes bytes;
  int number = 0;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    const std::string line(text.substr(start, end - start));
    const char* error = nullptr;
    ++number;
    add(line.c_str(), bytes, &error);
    if (error != nullptr) return Error{number, 0, error};
    start = end + 1;
  }
  return bytes;
}

Assembled assemble_steps(const std::string& target, std::string_view text) {
  const steps::Table* table = steps::find_table(target.c_str());
  if (table == nullptr) return Error{1, 0, "no target '" + target + "' takes steps"};
  return assemble_lines(text, [&](const char* line, Bytes& bytes, const char** error) {
    steps::Step step;
    if (steps::parse(*table, line, &step, error))
      bytes.insert(bytes.end(), {step.op, step.a, step.b, step.c});
  });
}

Assembled assemble_calls(std::string_view text) {
  return assemble_lines(text, [](const char* line, Bytes& bytes, const char** error) {
    hostile::Call call;
    if (!hostile::parse(line, call, error)) return;
    uint8_t encoded[1 + hostile::kMaxFields];
    bytes.insert(bytes.end(), encoded, encoded + hostile::encode(call, encoded));
  });
}

std::string steps_text(const steps::Table& table, const Bytes& bytes) {
  std::string text;
  for (size_t at = 0; at + sizeof(steps::Step) <= bytes.size(); at += sizeof(steps::Step)) {
    const steps::Step step{static_cast<uint8_t>(bytes[at] % table.count), bytes[at + 1],
                           bytes[at + 2], bytes[at + 3]};
    char line[256];
    text.append(line, steps::format(table, step, line, sizeof line)).append("\n");
  }
  return text;
}

std::string calls_text(const Bytes& bytes) {
  std::string text;
  size_t at = 0;
  for (unsigned count = 0; at < bytes.size() && count < hostile::kMaxCalls; ++count) {
    hostile::Call call;
    at += hostile::decode(bytes.data() + at, bytes.size() - at, call);
    char line[512];
    text.append(line, hostile::format(call, line, sizeof line)).append("\n");
  }
  return text;
}

}  // namespace

Form of_target(const std::string& target) {
  if (target == "userq_fuzzer") return Form::kProgram;
  if (target == "ioctl_fuzzer") return Form::kCalls;
  return steps::find_table(target.c_str()) != nullptr ? Form::kSteps : Form::kBytes;
}

Form of_file(std::string_view path) {
  for (const Form form : {Form::kProgram, Form::kSteps, Form::kCalls})
    if (path.ends_with(extension(form))) return form;
  return Form::kBytes;
}

const char* extension(Form form) { return kExtensions[static_cast<unsigned>(form)]; }

std::variant<std::vector<uint8_t>, Error> assemble(Form form, const std::string& target,
                                                   std::string_view text) {
  switch (form) {
    case Form::kProgram:
      return assemble_program(text);
    case Form::kSteps:
      return assemble_steps(target, text);
    case Form::kCalls:
      return assemble_calls(text);
    case Form::kBytes:
      break;
  }
  return Bytes(text.begin(), text.end());
}

std::string disassemble(const std::string& target, const std::vector<uint8_t>& bytes) {
  switch (of_target(target)) {
    case Form::kProgram:
      return program::to_text(program::decode(bytes.data(), bytes.size()));
    case Form::kSteps:
      return steps_text(*steps::find_table(target.c_str()), bytes);
    case Form::kCalls:
      return calls_text(bytes);
    case Form::kBytes:
      break;
  }
  return "";
}

}  // namespace text_form
