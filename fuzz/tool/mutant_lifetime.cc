// Operators on references, memory, lists, works and wake-ups.
#include <fmt/format.h>

#include <algorithm>

#include "fuzz/tool/mutant_edits.h"
#include "fuzz/tool/mutant_proposals.h"

namespace tool {

using cxx::Call;
using cxx::Range;
using cxx::Source;
using cxx::Statement;
using Kind = Statement::Kind;

Changes drop_get(const Site& site) {
  if (is_get(name_in(site, site.statement))) return {drop_statement(site)};
  Changes changes;
  for (const Call& call : site.source.calls(expressions_of(site.statement))) {
    // These give their first argument back.
    if (!is_one_of(call.name, {"fence_get", "fence_get_rcu", "fence_get_rcu_safe"}) ||
        call.arguments.size() != 2)
      continue;
    const std::string plain(site.source.text_of(call.arguments[0]));
    changes.push_back(edit_within(site, {replace_tokens(site.source, call.tokens, plain)},
                                  quoted(site.source, call.tokens) + " takes no reference"));
  }
  return changes;
}

Changes drop_put(const Site& site) {
  if (!is_put(name_in(site, site.statement))) return {};
  return {drop_statement(site)};
}

Changes drop_free(const Site& site) {
  if (!is_free(name_in(site, site.statement))) return {};
  return {drop_statement(site)};
}

Changes double_put(const Site& site) {
  const std::string name = name_in(site, site.statement);
  if (!is_put(name) && !is_free(name)) return {};
  const std::string text(site.source.text_of(site.statement.tokens));
  const std::string twice =
      site.in_block()
          ? text + "\n" + site.source.indent_at(site.source.bytes_of(site.statement.tokens).begin) +
                text
          : text + " " + text;
  return {replace_statement(site, twice,
                            quoted(site.source, site.statement.tokens) + " is there twice")};
}

Changes put_early(const Site& site) {
  const auto call = site.source.sole_call(site.statement);
  const Statement* before = site.sibling(-1);
  if (!call || before == nullptr || call->arguments.empty()) return {};
  if (!is_put(call->name) && !is_free(call->name)) return {};
  const std::string object = object_of(site.source, call->arguments[0]);
  if (object.empty() || !site.source.mentions(before->tokens, object)) return {};
  return pass(site, *before);
}

namespace {

// What handles a failure: `if (error != 0) ...`, or what returns an error.
bool handles_failure(const Source& source, const Statement& statement) {
  if (statement.kind != Kind::kIf || statement.has_else()) return false;
  const auto test = error_test(source, statement.head);
  if (test) return test->failed;
  const Statement& body = statement.children[0];
  if (body.kind != Kind::kBlock || body.children.empty()) return false;
  const Statement& last = body.children.back();
  if (last.kind != Kind::kReturn) return false;
  const Range value{last.tokens.begin + 1, last.tokens.end - 1};
  return source.word(value.begin) == "-" || source.text_of(value) == "nullptr" ||
         source.mentions(value, "error") || source.text_of(value) == "fd";
}

}  // namespace

Changes drop_cleanup(const Site& site) {
  if (!site.source.sole_call(site.statement)) return {};
  const Statement* handler = &site.parent();
  if (handler->kind == Kind::kBlock) {
    if (site.ancestors.size() < 2) return {};
    handler = site.ancestors[site.ancestors.size() - 2];
  }
  if (!handles_failure(site.source, *handler)) return {};
  return {drop_statement(site, "is dropped where something failed")};
}

Changes drop_removal(const Site& site) {
  if (!is_removal(name_in(site, site.statement))) return {};
  return {drop_statement(site)};
}

Changes skip_rcu(const Site& site) {
  const auto call = site.source.sole_call(site.statement);
  if (!call) return {};
  const Source& source = site.source;
  if (call->name == "call_rcu" && call->arguments.size() == 2) {
    return {
        replace_statement(site,
                          fmt::format("{}({});", source.text_of(call->arguments[1]),
                                      source.text_of(call->arguments[0])),
                          quoted(source, site.statement.tokens) + " does not wait for readers")};
  }
  if (call->name != "rcu_read_lock") return {};
  std::vector<const Statement*> unlocks;
  for (const Statement* statement : all_below(site.function.body))
    if (name_in(site, *statement) == "rcu_read_unlock") unlocks.push_back(statement);
  return {drop_all(site, unlocks,
                   quoted(source, site.statement.tokens) + " and its unlock are dropped")};
}

Changes cancel_no_sync(const Site& site) {
  const auto call = site.source.sole_call(site.statement);
  constexpr std::string_view kSync = "_sync";
  if (!call || !call->name.ends_with(kSync)) return {};
  const std::string name = call->name.substr(0, call->name.size() - kSync.size());
  const Edit edit = replace_tokens(site.source, {call->name_token, call->name_token + 1}, name);
  return {edit_within(site, {edit},
                      quoted(site.source, site.statement.tokens) + " does not wait for the work")};
}

Changes drop_wait(const Site& site) {
  if (!is_wait(name_in(site, site.statement))) return {};
  return {drop_statement(site)};
}

Changes drop_wakeup(const Site& site) {
  if (!is_wakeup(name_in(site, site.statement))) return {};
  return {drop_statement(site)};
}

}  // namespace tool
