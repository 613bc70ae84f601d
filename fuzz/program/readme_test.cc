// README.md tells what the parser and the table of operations do.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "fuzz/program/print.h"
#include "fuzz/program/text.h"
#include "fuzz/program/valid.h"

namespace program {
namespace {

std::string readme() {
  std::ifstream file(FENCEBENCH_LANGUAGE_README);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The blocks between ``` that are marked so, in their order.
std::vector<std::string> blocks(const std::string& text, const std::string& mark) {
  std::vector<std::string> found;
  std::istringstream lines(text);
  std::string line, block, its_mark;
  bool inside = false;
  while (std::getline(lines, line)) {
    if (!line.starts_with("```")) {
      block += line + "\n";
      continue;
    }
    if (inside && its_mark == mark) found.push_back(block);
    inside = !inside;
    its_mark = line.substr(3);
    block.clear();
  }
  return found;
}

std::string usage_of(const OpSpec& spec) {
  std::string usage;
  bool first_variable[kVarKinds] = {true, true, true};
  // A second syncobj is another one.
  auto variable = [&](ArgType type) {
    const Var kind = var_kind(type);
    const bool first = std::exchange(first_variable[static_cast<unsigned>(kind)], false);
    return std::string(1, var_name(kind, first ? 0 : 1));
  };
  for (const ArgSpec& arg : spec.args)
    if (is_result(arg.type)) usage += variable(arg.type) + " = ";
  usage += spec.name;
  for (const ArgSpec& arg : spec.args) {
    if (arg.type == ArgType::kNone || is_result(arg.type)) continue;
    usage += ' ';
    if (arg.name != nullptr) usage += arg.name;
    if (arg.type == ArgType::kFlag) continue;
    if (arg.name != nullptr) usage += '=';
    if (is_list(arg.type)) {
      usage += arg.name != nullptr ? "[]" : "[S]";
    } else if (is_variable(arg.type)) {
      usage += variable(arg.type);
    } else if (arg.type == ArgType::kIp) {
      usage += "ENGINE";
    }
  }
  return usage;
}

TEST(LanguageReadme, ItsExamplesAreProgramsWithOperations) {
  const std::vector<std::string> examples = blocks(readme(), "");
  ASSERT_FALSE(examples.empty());
  for (const std::string& example : examples) {
    const auto parsed = parse(example);
    if (const auto* error = std::get_if<ParseError>(&parsed)) {
      ADD_FAILURE() << error->line << ':' << error->column << ": " << error->message << "\n"
                    << example;
      continue;
    }
    EXPECT_FALSE(std::get<Program>(parsed).ops.empty()) << example;
  }
}

TEST(LanguageReadme, NamesEachOperationWithItsArguments) {
  const std::string text = readme();
  for (unsigned kind = 0; kind < kOpKinds; ++kind) {
    const std::string usage = '`' + usage_of(op_spec(static_cast<OpKind>(kind))) + '`';
    EXPECT_NE(text.find(usage), std::string::npos) << usage;
  }
}

TEST(LanguageReadme, TheGrammarHasEveryLaneTargetAndEngine) {
  const std::vector<std::string> grammars = blocks(readme(), "ebnf");
  ASSERT_EQ(grammars.size(), 1u);
  const std::string& grammar = grammars[0];
  auto has = [&](const std::string& terminal) {
    EXPECT_NE(grammar.find('"' + terminal + '"'), std::string::npos) << terminal;
  };
  for (unsigned target = 0; target < kTargets; ++target)
    has(target_name(static_cast<Target>(target)));
  for (unsigned engine = 0; engine <= arg_max(ArgType::kIp); ++engine) has(ip_name(engine));
  for (const char* sign : {"#", ":", "=", ">", "[", "]", ","}) has(sign);
  for (unsigned kind = 0; kind < kVarKinds; ++kind) {
    const Var var = static_cast<Var>(kind);
    const std::string range =
        std::string("\"") + var_name(var, 0) + "\"..\"" + var_name(var, kVars - 1) + '"';
    EXPECT_NE(grammar.find(range), std::string::npos) << range;
  }
  // Only eop may stand on lane irq.
  for (unsigned kind = 0; kind < kOpKinds; ++kind)
    EXPECT_EQ(op_spec(static_cast<OpKind>(kind)).irq_lane,
              static_cast<OpKind>(kind) == OpKind::kEop);
}

TEST(LanguageReadme, TellsTheLimits) {
  const std::string limits = "Limits: " + std::to_string(kMaxOps) + " operations, " +
                             std::to_string(kMaxPreemptions) + " preemptions, " +
                             std::to_string(SlotList::kMax) + " entries in a list.";
  EXPECT_NE(readme().find(limits), std::string::npos) << limits;
}

}  // namespace
}  // namespace program
