#include "fuzz/tool/mutant_operators.h"

#include <fmt/format.h>

#include <algorithm>

#include "fuzz/tool/mutant_edits.h"

namespace tool {

using cxx::Call;
using cxx::Range;
using cxx::Source;
using cxx::Statement;
using Kind = Statement::Kind;
using Changes = std::vector<Change>;

const Statement* Site::sibling(int offset) const {
  if (!in_block()) return nullptr;
  const std::vector<Statement>& all = parent().children;
  const size_t wanted = index + static_cast<size_t>(offset);  // wraps to a large number below 0
  return wanted < all.size() ? &all[wanted] : nullptr;
}

namespace {

std::string name_in(const Site& site, const Statement& statement) {
  const auto call = site.source.sole_call(statement);
  return call ? call->name : "";
}

// Where expressions stand: the statement itself, or the head of if, loop, switch.
Range expressions_of(const Statement& statement) {
  switch (statement.kind) {
    case Kind::kIf:
    case Kind::kLoop:
    case Kind::kSwitch:
      return statement.head;
    case Kind::kDeclaration:
    case Kind::kExpression:
    case Kind::kReturn:
      return statement.tokens;
    default:
      return {};
  }
}

std::string order_text(const Site& site, const Statement& target) {
  return fmt::format("{} comes before {}", quoted(site.source, site.statement.tokens),
                     quoted(site.source, target.tokens));
}

// Whether the statement can stand before `target`, which comes earlier: it does not use what is
// declared there.
bool can_pass(const Site& site, const Statement& target) {
  const std::string name = declared_name(site.source, target);
  return target.kind != Kind::kLabel && target.kind != Kind::kJump &&
         (name.empty() || !site.source.mentions(site.statement.tokens, name));
}

// The statement goes to before `target`, if it can.
Changes pass(const Site& site, const Statement& target) {
  if (!can_pass(site, target)) return {};
  return {move_before(site, target, order_text(site, target))};
}

// --- references ---

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

// --- locks ---

struct LockStatement {
  const Statement* statement;
  LockUse use;
};

// All that a function does with one lock.
std::vector<LockStatement> uses_of(const Site& site, const std::string& lock) {
  std::vector<LockStatement> uses;
  for (const Statement* statement : all_below(site.function.body)) {
    auto use = lock_use(site.source, *statement);
    if (use && use->lock == lock) uses.push_back({statement, *use});
  }
  return uses;
}

// The flags go if nothing uses them any more but `gone` statements.
void remove_flags(const Site& site, const std::vector<const Statement*>& gone, Change& change) {
  size_t left = site.source.count(site.function.body.tokens, "flags");
  for (const Statement* statement : gone) left -= site.source.count(statement->tokens, "flags");
  if (left != 1) return;
  for (const Statement* statement : all_below(site.function.body)) {
    if (statement->kind != Kind::kDeclaration || !site.source.mentions(statement->tokens, "flags"))
      continue;
    if (site.source.mentions(statement->tokens, "=")) return;
    change.edits.push_back(remove_declaration(site.source, *statement));
  }
}

// The lock that is taken around this one in the same function, if both are taken and dropped once.
struct Nested {
  LockStatement outer_lock, outer_unlock, inner_lock, inner_unlock;
};
std::optional<Nested> nested_at(const Site& site, const LockUse& inner) {
  const std::vector<LockStatement> own = uses_of(site, inner.lock);
  if (own.size() != 2 || own[0].statement != &site.statement || own[1].use.takes) return {};
  for (const Statement* statement : all_below(site.function.body)) {
    const auto use = lock_use(site.source, *statement);
    if (!use || !use->takes || use->lock == inner.lock) continue;
    const std::vector<LockStatement> around = uses_of(site, use->lock);
    if (around.size() != 2 || around[1].use.takes) continue;
    if (around[0].statement->tokens.begin < own[0].statement->tokens.begin &&
        own[1].statement->tokens.begin < around[1].statement->tokens.begin)
      return Nested{around[0], around[1], own[0], own[1]};
  }
  return {};
}

Changes swap_locks(const Site& site) {
  const auto second = lock_use(site.source, site.statement);
  if (!second || !second->takes) return {};
  for (int back = -1; site.sibling(back) != nullptr; back--) {
    const Statement& before = *site.sibling(back);
    const auto first = lock_use(site.source, before);
    if (!first) continue;
    if (!first->takes || first->lock == second->lock) break;
    return pass(site, before);
  }
  const auto nested = nested_at(site, *second);
  if (!nested) return {};
  const Source& source = site.source;
  auto text = [&](const LockStatement& one) {
    return std::string(source.text_of(one.statement->tokens));
  };
  auto put = [&](const LockStatement& one, const LockStatement& other) {
    return replace_tokens(source, one.statement->tokens, text(other));
  };
  return {edit_within(
      site,
      {put(nested->inner_lock, nested->outer_lock), put(nested->outer_lock, nested->inner_lock),
       put(nested->outer_unlock, nested->inner_unlock),
       put(nested->inner_unlock, nested->outer_unlock)},
      fmt::format("{} is taken around {}", quoted(source, site.statement.tokens),
                  quoted(source, nested->outer_lock.statement->tokens)))};
}

// The same with the weaker kind of the lock, wherever the function takes or drops it.
Changes weaken(const Site& site, bool shared) {
  const auto use = lock_use(site.source, site.statement);
  if (!use || !use->takes || use->kind->weaker_lock.empty()) return {};
  if ((use->kind->lock == "down_write") != shared) return {};
  const std::vector<LockStatement> uses = uses_of(site, use->lock);
  if (uses.front().statement != &site.statement) return {};  // once for each function
  std::vector<Edit> edits;
  std::vector<const Statement*> changed;
  for (const LockStatement& one : uses) {
    if (one.use.kind != use->kind) return {};
    const Call call = *site.source.sole_call(*one.statement);
    const std::string_view name = one.use.takes ? use->kind->weaker_lock : use->kind->weaker_unlock;
    edits.push_back(
        replace_tokens(site.source, {call.name_token, call.name_token + 1}, std::string(name)));
    if (!shared) {
      const Range from_comma{call.arguments[0].end, call.tokens.end - 1};
      edits.push_back(replace_tokens(site.source, from_comma, ""));
    }
    changed.push_back(one.statement);
  }
  Change change =
      edit_within(site, edits,
                  fmt::format("{} becomes {}", quoted(site.source, site.statement.tokens),
                              use->kind->weaker_lock));
  if (!shared) remove_flags(site, changed, change);
  return {change};
}

Changes plain_lock(const Site& site) { return weaken(site, false); }
Changes read_lock(const Site& site) { return weaken(site, true); }

Changes unlock_early(const Site& site) {
  const auto use = lock_use(site.source, site.statement);
  const Statement* before = site.sibling(-1);
  if (!use || use->takes || before == nullptr) return {};
  const auto other = lock_use(site.source, *before);
  if (other && other->lock == use->lock) return {};
  return pass(site, *before);
}

Changes unlock_late(const Site& site) {
  const Statement* before = site.sibling(-1);
  if (before == nullptr || !site.source.sole_call(site.statement)) return {};
  const auto use = lock_use(site.source, *before);
  if (!use || use->takes || lock_use(site.source, site.statement)) return {};
  return pass(site, *before);
}

// What came before the lock comes after it: it is moved down, past the declaration of the flags.
Changes lock_early(const Site& site) {
  const auto use = lock_use(site.source, site.statement);
  if (!use || !use->takes || !site.in_block()) return {};
  const Statement* before = site.sibling(-1);
  if (before != nullptr && declared_name(site.source, *before) == "flags")
    before = site.sibling(-2);
  if (before == nullptr || !can_pass(site, *before)) return {};
  if (lock_use(site.source, *before) || before->kind == Kind::kReturn) return {};
  // Nothing happens in a declaration without a call.
  if (site.source.calls(before->tokens).empty()) return {};
  return {move_after(site, *before,
                     fmt::format("{} comes after {}", quoted(site.source, before->tokens),
                                 quoted(site.source, site.statement.tokens)))};
}

bool is_child(const Statement& parent, const Statement& statement) {
  return std::any_of(parent.children.begin(), parent.children.end(),
                     [&](const Statement& child) { return &child == &statement; });
}

bool stands_in_block(const Statement& below, const Statement& statement) {
  const std::vector<const Statement*> all = all_below(below);
  return std::any_of(all.begin(), all.end(), [&](const Statement* one) {
    return one->kind == Kind::kBlock && is_child(*one, statement);
  });
}

// Takes the statement and `rest` away.
Change drop_all(const Site& site, const std::vector<const Statement*>& rest,
                const std::string& what) {
  Change change = drop_statement(site);
  change.what = what;
  for (const Statement* statement : rest) {
    const bool alone = site.source.alone_on_its_lines(*statement) &&
                       stands_in_block(site.function.body, *statement);
    change.edits.push_back(alone ? remove_declaration(site.source, *statement)
                                 : replace_tokens(site.source, statement->tokens, "{}"));
  }
  return change;
}

// A declared object that is nothing but a guard: its name is never used.
Changes drop_guard(const Site& site) {
  const Source& source = site.source;
  const Statement& statement = site.statement;
  const size_t begin = statement.tokens.begin;
  if (statement.tokens.end - begin < 6 || source.word(begin + 2) != "(") return {};
  if (source.tokens()[begin].kind != cxx::Token::Kind::kWord ||
      source.tokens()[begin + 1].kind != cxx::Token::Kind::kWord)
    return {};
  if (source.count(site.function.body.tokens, source.word(begin + 1)) != 1) return {};
  return {drop_statement(site)};
}

Changes drop_lock(const Site& site) {
  if (site.statement.kind == Kind::kDeclaration) return drop_guard(site);
  const auto use = lock_use(site.source, site.statement);
  if (!use || !use->takes) return {};
  const std::vector<LockStatement> uses = uses_of(site, use->lock);
  auto takes = [](const LockStatement& one) { return one.use.takes; };
  std::vector<const Statement*> dropped;
  if (std::count_if(uses.begin(), uses.end(), takes) == 1) {
    for (const LockStatement& one : uses)
      if (!one.use.takes) dropped.push_back(one.statement);
  } else {
    // The next use must be the unlock beside it.
    auto self = std::find_if(uses.begin(), uses.end(), [&](const LockStatement& one) {
      return one.statement == &site.statement;
    });
    if (self == uses.end() || ++self == uses.end() || takes(*self)) return {};
    if (!is_child(site.parent(), *self->statement)) return {};
    dropped.push_back(self->statement);
  }
  Change change = drop_all(
      site, dropped,
      fmt::format("{} and its unlock are dropped", quoted(site.source, site.statement.tokens)));
  dropped.push_back(&site.statement);
  if (site.source.mentions(site.statement.tokens, "flags")) remove_flags(site, dropped, change);
  return {change};
}

// --- clean-up ---

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

// --- limits ---

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

// --- order ---

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

// --- RCU, works, wake-ups ---

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

// --- values ---

bool is_constant(const Source& source, Range value) {
  const std::string_view text = source.text_of(value);
  return is_one_of(text, {"0", "1", "nullptr", "true", "false", "{}", "{nullptr, 0}"});
}

bool is_elsewhere(const Source& source, Range target) {
  for (size_t i = target.begin; i < target.end; i++)
    if (is_one_of(source.word(i), {".", "->", "*", "["})) return true;
  return false;
}

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

// --- checks ---

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

std::string_view opposite(std::string_view sign) {
  if (sign == "==") return "!=";
  if (sign == "!=") return "==";
  return "";
}

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

// --- what is no part of the driver ---

bool is_of_the_bench(const Source& source, const Statement& statement) {
  const Range looked_at = statement.head.empty() ? statement.tokens : statement.head;
  if (statement.kind == Kind::kBlock) return false;
  for (std::string_view word :
       {"checks_enabled", "report", "WARN_ON", "lockdep_assert_held", "lockdep_assert_none_held",
        "observe_state", "might_sleep", "lockdep_might_wait_for_fence", "rcu_assert_reader",
        "resv_assert_held", "assert_root_held", "point", "static_assert"}) {
    if (!source.mentions(looked_at, word)) continue;
    if (word != "point" && word != "report") return true;
    if (source.mentions(looked_at, "sched") || source.mentions(looked_at, "Verdict")) return true;
  }
  return false;
}

void collect(const Source& source, const cxx::Function& function, const Statement& statement,
             std::vector<const Statement*>& ancestors, std::vector<Site>& sites) {
  ancestors.push_back(&statement);
  for (size_t i = 0; i < statement.children.size(); i++) {
    const Statement& child = statement.children[i];
    if (is_of_the_bench(source, child)) continue;
    if (child.kind != Kind::kBlock) sites.push_back({source, function, child, ancestors, i});
    collect(source, function, child, ancestors, sites);
  }
  ancestors.pop_back();
}

}  // namespace

const std::vector<MutantOperator>& mutant_operators() {
  static const std::vector<MutantOperator> kOperators = {
      {"drop-cleanup", "leak", "one call of an error path's clean-up is dropped", drop_cleanup},
      {"drop-get", "use-after-free", "a reference is not taken", drop_get},
      {"drop-put", "leak", "a reference is not dropped", drop_put},
      {"drop-free", "leak", "memory or what an object holds is not freed", drop_free},
      {"double-put", "double-free", "a put or a free is there twice", double_put},
      {"put-early", "use-after-free", "a put or a free comes before the last use", put_early},
      {"drop-removal", "use-after-free", "something stays in a list, a table, a fence's callbacks",
       drop_removal},
      {"swap-locks", "lock-order", "two locks are taken in the other order", swap_locks},
      {"plain-lock", "irq-inversion", "interrupts stay on while a spinlock is held", plain_lock},
      {"read-lock", "data-race", "a semaphore is taken shared instead of exclusive", read_lock},
      {"unlock-early", "data-race", "an unlock comes one statement earlier", unlock_early},
      {"lock-early", "deadlock", "what precedes a lock is done with the lock held", lock_early},
      {"unlock-late", "deadlock", "a call that follows an unlock is made with the lock held",
       unlock_late},
      {"drop-lock", "data-race", "a lock is not taken, nor dropped", drop_lock},
      {"off-by-one", "overflow", "a limit is off by one", off_by_one},
      {"publish-early", "uninitialized-value", "others find an object before it is initialized",
       publish_early},
      {"skip-rcu", "use-after-free", "readers are not waited for, or not marked", skip_rcu},
      {"cancel-no-sync", "use-after-free", "a work is cancelled, but not waited for",
       cancel_no_sync},
      {"drop-wait", "use-after-free", "a wait, a flush or a cancellation is dropped", drop_wait},
      {"drop-wakeup", "lost-wakeup", "a wake-up, a signal or a queued work is dropped",
       drop_wakeup},
      {"drop-init", "uninitialized-value", "an initialization is dropped", drop_initialization},
      {"drop-store", "wrong-result", "a store to shared state is dropped", drop_store},
      {"ignore-error", "wrong-errno", "an error does not end what it should end", ignore_error},
      {"skip-check", "validation", "a check, or one part of it, is dropped", skip_check},
      {"negate-check", "validation", "a check is negated", negate_check},
  };
  return kOperators;
}

std::vector<Site> sites_of(const Source& source, const cxx::Function& function) {
  std::vector<Site> sites;
  std::vector<const Statement*> ancestors;
  collect(source, function, function.body, ancestors, sites);
  return sites;
}

}  // namespace tool
