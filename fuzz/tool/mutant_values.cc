// Operators on order, initialization, limits and checks.
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

namespace {

bool is_binary(const Source& source, size_t token) {
  const Range& bytes = source.tokens()[token].bytes;
  const std::string& text = source.text();
  return bytes.begin > 0 && text[bytes.begin - 1] == ' ' && bytes.end < text.size() &&
         (text[bytes.end] == ' ' || text[bytes.end] == '\n');
}

bool is_limit(std::string_view word) {
  return is_one_of(word, {"room", "count", "max", "size", "end", "last", "limit"}) ||
         word.starts_with("num_") || word.ends_with("_count") || word.starts_with("kMax") ||
         word.ends_with("Count") || word.ends_with("End") || word.ends_with("Size");
}

std::string_view off_by_one_sign(std::string_view sign) {
  if (sign == "<") return "<=";
  if (sign == "<=") return "<";
  if (sign == ">") return ">=";
  if (sign == ">=") return ">";
  return "";
}

}  // namespace

Changes off_by_one(const Site& site) {
  const Source& source = site.source;
  const Range range = expressions_of(site.statement);
  Changes changes;
  auto add = [&](Range tokens, const std::string& text, const std::string& what) {
    changes.push_back(edit_within(site, {replace_tokens(source, tokens, text)}, what));
  };
  const std::string where =
      quoted(source, site.statement.kind == Kind::kExpression || site.statement.head.empty()
                         ? site.statement.tokens
                         : site.statement.head);
  for (size_t i = range.begin; i < range.end; i++) {
    const std::string_view word = source.word(i);
    if (!is_binary(source, i)) continue;
    if (const std::string_view other = off_by_one_sign(word); !other.empty()) {
      add({i, i + 1}, std::string(other),
          fmt::format("`{}` becomes `{}` in {}", word, other, where));
    } else if ((word == "+" || word == "-") && source.word(i + 1) == "1") {
      // With the blank before it.
      Change change = edit_within(
          site, {{{source.tokens()[i].bytes.begin - 1, source.tokens()[i + 1].bytes.end}, ""}},
          fmt::format("`{} 1` is gone from {}", word, where));
      changes.push_back(change);
    } else if ((word == "==" || word == "!=") && i + 1 < range.end) {
      size_t last = i + 1;
      while (last + 2 < range.end &&
             (source.word(last + 1) == "." || source.word(last + 1) == "->"))
        last += 2;
      if (is_limit(source.word(last)))
        add({last, last + 1}, std::string(source.word(last)) + " + 1",
            fmt::format("`{}` becomes one more in {}", source.word(last), where));
    } else if (word == "=" && site.statement.is_for && source.word(i + 1) == "0" &&
               source.word(i + 2) == ";") {
      add({i + 1, i + 2}, "1", fmt::format("the first is left out in {}", where));
    }
  }
  return changes;
}

namespace {

// An ordinary statement that what is published may depend on.
bool may_be_initialization(const Source& source, const Statement& statement) {
  return (statement.kind == Kind::kExpression || statement.kind == Kind::kDeclaration ||
          statement.kind == Kind::kLoop) &&
         !lock_use(source, statement);
}

// Whether the function holds a lock there that it took itself, or was called with: who looks
// under that lock sees no order.
bool is_under_a_lock(const Site& site) {
  for (std::string_view word : {"lockdep_assert_held", "resv_assert_held", "assert_root_held"})
    if (site.source.mentions(site.function.body.tokens, word)) return true;
  int depth = 0;
  for (const Statement* statement : all_below(site.function.body)) {
    if (statement == &site.statement) break;
    if (const auto use = lock_use(site.source, *statement)) depth += use->takes ? 1 : -1;
  }
  return depth > 0;
}

}  // namespace

Changes publish_early(const Site& site) {
  if (site.statement.kind != Kind::kExpression && site.statement.kind != Kind::kDeclaration)
    return {};
  const std::vector<Call> calls = site.source.calls(site.statement.tokens);
  auto publication = std::find_if(calls.begin(), calls.end(),
                                  [](const Call& call) { return is_publication(call.name); });
  if (publication == calls.end()) return {};
  if (publication->name.starts_with("list_add") && is_under_a_lock(site)) return {};
  int back = 0;
  while (site.sibling(back - 1) != nullptr &&
         may_be_initialization(site.source, *site.sibling(back - 1)) &&
         can_pass(site, *site.sibling(back - 1)))
    back--;
  Changes changes;
  if (back < 0) changes = pass(site, *site.sibling(-1));
  if (back < -1) changes.push_back(pass(site, *site.sibling(back))[0]);
  return changes;
}

namespace {

bool is_constant(const Source& source, Range value) {
  const std::string_view text = source.text_of(value);
  return is_one_of(text, {"0", "1", "nullptr", "true", "false", "{}", "{nullptr, 0}"});
}

bool is_elsewhere(const Source& source, Range target) {
  for (size_t i = target.begin; i < target.end; i++)
    if (is_one_of(source.word(i), {".", "->", "*", "["})) return true;
  return false;
}

}  // namespace

Changes drop_initialization(const Site& site) {
  const Source& source = site.source;
  if (is_initialization(name_in(site, site.statement))) return {drop_statement(site)};
  if (site.statement.kind == Kind::kDeclaration) {
    const std::vector<size_t> sign = source.outer(site.statement.tokens, "=");
    if (sign.size() != 1 || !is_constant(source, {sign[0] + 1, site.statement.tokens.end - 1}))
      return {};
    if (source.word(site.statement.tokens.begin) == "const") return {};
    const Range bytes{source.tokens()[sign[0] - 1].bytes.end,
                      source.tokens()[site.statement.tokens.end - 1].bytes.begin};
    return {edit_within(site, {{bytes, ""}},
                        quoted(source, site.statement.tokens) + " is not initialized")};
  }
  const auto assigned = assignment(source, site.statement);
  if (!assigned) return {};
  const bool makes = site.function.name.find("init") != std::string::npos ||
                     site.function.name.find("alloc") != std::string::npos ||
                     site.function.name.find("create") != std::string::npos ||
                     site.function.name.find("rearm") != std::string::npos;
  if (!is_constant(source, assigned->value) && !(makes && is_elsewhere(source, assigned->target)))
    return {};
  return {drop_statement(site)};
}

Changes drop_store(const Site& site) {
  const Source& source = site.source;
  if (is_store(name_in(site, site.statement))) return {drop_statement(site)};
  if (site.statement.kind != Kind::kExpression) return {};
  const auto assigned = assignment(source, site.statement);
  const std::string_view first = source.word(site.statement.tokens.begin);
  const bool counts = first == "++" || first == "--" ||
                      !source.outer(site.statement.tokens, "+=").empty() ||
                      !source.outer(site.statement.tokens, "-=").empty();
  if (!counts && !(assigned && is_elsewhere(source, assigned->target))) return {};
  return {drop_statement(site)};
}

namespace {

bool is_guard(const Statement& statement) {
  if (statement.kind != Kind::kIf || statement.has_else()) return false;
  const Statement* body = &statement.children[0];
  if (body->kind == Kind::kBlock && body->children.size() == 1) body = &body->children[0];
  return body->kind == Kind::kReturn || body->kind == Kind::kJump;
}

// The change of an `if` that never was.
Change without_if(const Site& site, const std::string& variable, const std::string& what) {
  const Source& source = site.source;
  // A variable that nobody reads any more would be warned of.
  const size_t elsewhere = source.count(site.function.body.tokens, variable) -
                           source.count(site.statement.tokens, variable);
  std::string text;
  if (!variable.empty() && elsewhere <= 1) text = fmt::format("(void){};", variable);
  return replace_statement(site, text, what);
}

}  // namespace

Changes ignore_error(const Site& site) {
  const Source& source = site.source;
  const Statement& statement = site.statement;
  if (statement.kind != Kind::kIf || statement.has_else()) return {};
  const auto test = error_test(source, statement.head);
  if (test && !test->failed) {
    const std::string body(source.text_of(statement.children[0].tokens));
    return {replace_statement(site, body,
                              quoted(source, statement.tokens) + " happens after an error, too")};
  }
  if (test && is_guard(statement)) {
    return {without_if(site, test->variable, quoted(source, statement.tokens) + " is dropped")};
  }
  return {};
}

namespace {

bool is_declared_in(const Source& source, Range condition) {
  return !source.outer(condition, "=").empty();
}

// && or ||, whichever joins the whole.
std::vector<Range> operands(const Source& source, Range condition, std::string_view sign) {
  std::vector<Range> parts;
  size_t begin = condition.begin;
  for (size_t i : source.outer(condition, sign)) {
    parts.push_back({begin, i});
    begin = i + 1;
  }
  parts.push_back({begin, condition.end});
  return parts;
}

// A condition with one of its parts left out.
void drop_operands(const Site& site, Range condition, Changes& changes) {
  const Source& source = site.source;
  const std::string_view sign = !source.outer(condition, "||").empty() ? "||" : "&&";
  const std::vector<Range> parts = operands(source, condition, sign);
  if (parts.size() < 2) return;
  for (size_t i = 0; i < parts.size(); i++) {
    if (is_one_of(source.word(parts[i].begin), {"kernel"}) &&
        source.mentions(parts[i], "checks_enabled"))
      continue;
    const bool first = i == 0;
    const Range bytes = {
        source.tokens()[first ? parts[i].begin : parts[i].begin - 1].bytes.begin,
        source.tokens()[first ? parts[i + 1].begin - 1 : parts[i].end - 1].bytes.end};
    size_t begin = bytes.begin;
    size_t end = bytes.end;
    const std::string& text = source.text();
    if (first) {
      while (end < text.size() && (text[end] == ' ' || text[end] == '\n')) end++;
    } else {
      while (begin > 0 && (text[begin - 1] == ' ' || text[begin - 1] == '\n')) begin--;
    }
    changes.push_back(
        edit_within(site, {{{begin, end}, ""}},
                    fmt::format("{} is no longer asked in {}", quoted(source, parts[i]),
                                quoted(source, condition))));
  }
}

}  // namespace

Changes skip_check(const Site& site) {
  const Source& source = site.source;
  const Statement& statement = site.statement;
  Changes changes;
  if (statement.kind == Kind::kReturn) {
    const Range value{statement.tokens.begin + 1, statement.tokens.end - 1};
    if (source.outer(value, "?").empty()) drop_operands(site, value, changes);
    return changes;
  }
  if (statement.kind == Kind::kDeclaration) {
    const std::vector<size_t> sign = source.outer(statement.tokens, "=");
    if (sign.size() == 1 && source.outer(statement.tokens, "?").empty())
      drop_operands(site, {sign[0] + 1, statement.tokens.end - 1}, changes);
    return changes;
  }
  if (statement.kind == Kind::kLoop && !statement.is_for &&
      source.word(statement.tokens.begin) == "while") {
    drop_operands(site, statement.head, changes);
    return changes;
  }
  if (statement.kind != Kind::kIf || is_declared_in(source, statement.head)) return changes;
  drop_operands(site, statement.head, changes);
  if (statement.has_else() || error_test(source, statement.head)) return changes;
  if (is_guard(statement)) {
    changes.push_back(without_if(site, "", quoted(source, statement.tokens) + " is dropped"));
    return changes;
  }
  changes.push_back(replace_statement(
      site, std::string(source.text_of(statement.children[0].tokens)),
      fmt::format("{} is no longer asked before {}", quoted(source, statement.head),
                  quoted(source, statement.children[0].tokens))));
  return changes;
}

namespace {

std::string_view opposite(std::string_view sign) {
  if (sign == "==") return "!=";
  if (sign == "!=") return "==";
  return "";
}

}  // namespace

Changes negate_check(const Site& site) {
  const Source& source = site.source;
  const Statement& statement = site.statement;
  const Range condition = statement.head;
  if (statement.kind != Kind::kIf || is_declared_in(source, condition)) return {};
  if (error_test(source, condition)) return {};
  const std::string what = quoted(source, condition) + " is negated";
  const bool joined =
      !source.outer(condition, "&&").empty() || !source.outer(condition, "||").empty();
  if (!joined) {
    for (size_t i = condition.begin; i < condition.end; i++) {
      if (const std::string_view other = opposite(source.word(i)); !other.empty())
        return {edit_within(site, {replace_tokens(source, {i, i + 1}, std::string(other))}, what)};
      i = source.partner(i) > i ? source.partner(i) : i;
    }
    if (source.word(condition.begin) == "!") {
      const size_t sign = condition.begin;
      return {edit_within(site, {replace_tokens(source, {sign, sign + 1}, "")}, what)};
    }
  }
  const Range bytes = source.bytes_of(condition);
  return {
      edit_within(site, {{{bytes.begin, bytes.begin}, "!("}, {{bytes.end, bytes.end}, ")"}}, what)};
}

}  // namespace tool
