// Operators on locks.
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

}  // namespace

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

namespace {

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

}  // namespace

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

namespace {

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

}  // namespace

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

}  // namespace tool
