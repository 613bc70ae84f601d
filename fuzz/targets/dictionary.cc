#include "fuzz/targets/dictionary.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <string_view>

#include "fuzz/program/codec.h"
#include "fuzz/program/lex.h"
#include "fuzz/program/print.h"
#include "fuzz/program/text.h"
#include "fuzz/program/valid.h"
#include "fuzz/targets/hostile.h"
#include "fuzz/targets/steps.h"
#include "fuzz/targets/text_form.h"

namespace dictionary {

namespace {

using program::Program;
using Entries = std::vector<Entry>;

constexpr size_t kLongest = 64;  // AFL++ takes 128 bytes, libFuzzer 64

program::Op usual_op(unsigned kind) {
  program::Op op;
  op.kind = static_cast<program::OpKind>(kind);
  for (unsigned i = 0; i < program::kMaxArgs; ++i)
    op.args[i] = program::op_spec(op.kind).args[i].preset;
  return op;
}

// What follows the header.
std::vector<uint8_t> records(const Program& program) {
  std::vector<uint8_t> bytes = program::encode(program);
  bytes.erase(bytes.begin(), bytes.begin() + program::kHeaderSize);
  return bytes;
}

Entries of_programs() {
  Entries entries;
  for (unsigned kind = 0; kind < program::kOpKinds; ++kind) {
    Program program;
    program.ops.push_back(usual_op(kind));
    entries.push_back({program::op_spec(program.ops[0].kind).name, records(program)});
  }
  for (unsigned to = 0; to < program::kTargets; ++to) {
    Program program;
    program.schedule.push_back({1, static_cast<program::Target>(to)});
    entries.push_back(
        {std::string("to_") + program::target_name(program.schedule[0].to), records(program)});
  }
  return entries;
}

Entries of_steps(const steps::Table& table) {
  Entries entries;
  for (unsigned op = 0; op < table.count; ++op)
    entries.push_back({table.specs[op].name, {static_cast<uint8_t>(op), 0, 0, 0}});
  return entries;
}

Entries of_calls() {
  Entries entries;
  for (unsigned number = 0; number < 128; ++number) {
    const auto first = static_cast<uint8_t>(number);
    hostile::Call call;
    hostile::decode(&first, 1, call);
    std::vector<uint8_t> bytes(1 + hostile::kMaxFields);
    bytes.resize(hostile::encode(call, bytes.data()));
    if (bytes[0] != first) break;  // numbers begin again
    entries.push_back({call.ioctl->name, bytes});
  }
  return entries;
}

// A program with every operation, argument, fault and target, none of it as usual.
Program of_everything() {
  Program program;
  program.device = {1, 1, 1};
  for (unsigned kind = 0; kind < program::kOpKinds; ++kind) {
    program::Op op = usual_op(kind);
    for (unsigned i = 0; i < program::kMaxArgs; ++i) {
      const program::ArgSpec& spec = program::op_spec(op.kind).args[i];
      if (program::is_list(spec.type))
        op.args[i] = program::SlotList::push(0, program::list_choices(spec.type) - 1);
      else
        op.args[i] = program::arg_max(spec.type) - (spec.preset == program::arg_max(spec.type));
    }
    op.faults = {1, 1, true};
    program.ops.push_back(op);
  }
  for (unsigned ip = 0; ip <= program::arg_max(program::ArgType::kIp); ++ip) {
    program::Op op = usual_op(static_cast<unsigned>(program::OpKind::kQueueCreate));
    for (unsigned i = 0; i < program::kMaxArgs; ++i)
      if (program::op_spec(op.kind).args[i].type == program::ArgType::kIp) op.args[i] = ip;
    program.ops.push_back(op);
  }
  for (unsigned to = 0; to < program::kTargets; ++to)
    program.schedule.push_back({program::kMaxAfter, static_cast<program::Target>(to)});
  return program;
}

Entries of_words() {
  std::vector<std::string> words;
  const std::string text = program::to_text(of_everything());
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    for (const program::Token& token :
         program::lex_line(std::string_view(text).substr(start, end - start)))
      words.emplace_back(token.text);
    start = end + 1;
  }
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  Entries entries;
  for (const std::string& word : words) {
    if (word.empty()) continue;
    const bool is_name = std::isalnum(static_cast<unsigned char>(word[0])) != 0;
    char sign[16];
    std::snprintf(sign, sizeof sign, "sign_%zu", entries.size());
    entries.push_back({is_name ? "word_" + word : sign, {word.begin(), word.end()}});
  }
  return entries;
}

}  // namespace

std::vector<Entry> of_target(const std::string& target) {
  if (const steps::Table* table = steps::find_table(target.c_str())) return of_steps(*table);
  if (target == "program_fuzzer") return of_words();
  if (target == "ioctl_fuzzer") return of_calls();
  return text_form::of_target(target) == text_form::Form::kProgram ? of_programs() : Entries();
}

std::string to_text(const std::vector<Entry>& entries) {
  std::string text;
  for (const Entry& entry : entries) {
    text += entry.name + "=\"";
    for (size_t i = 0; i < std::min(entry.bytes.size(), kLongest); ++i) {
      const uint8_t byte = entry.bytes[i];
      char escaped[8];
      const bool plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
      std::snprintf(escaped, sizeof escaped, plain ? "%c" : "\\x%02x", byte);
      text += escaped;
    }
    text += "\"\n";
  }
  return text;
}

}  // namespace dictionary
