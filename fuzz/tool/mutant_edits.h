// What the operators make their changes with.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fuzz/tool/mutant_operators.h"

namespace tool {

// A statement as one line, in backquotes, cut when it is long.
std::string quoted(const cxx::Source& source, cxx::Range tokens);

// The canary stands where the statement stood: always correct, whatever surrounds it.
Change drop_statement(const Site& site, const std::string& why = "is dropped");
// `text` where the statement stood, and the canary.
Change replace_statement(const Site& site, const std::string& text, const std::string& what);
// Edits within the statement; the canary before it, in braces of its own if it has to be.
Change edit_within(const Site& site, std::vector<Edit> edits, const std::string& what);
// The statement goes to before `target`, which stands earlier in the same block.
Change move_before(const Site& site, const cxx::Statement& target, const std::string& what);
// `before`, which stands earlier in the same block, goes to behind the statement.
Change move_after(const Site& site, const cxx::Statement& before, const std::string& what);

Edit replace_tokens(const cxx::Source& source, cxx::Range tokens, std::string text);
// A declaration goes, with its line if it has one to itself.
Edit remove_declaration(const cxx::Source& source, const cxx::Statement& declaration);

// The body of `name = value;`, outside of declarations.
struct Assignment {
  cxx::Range target;
  cxx::Range value;
};
std::optional<Assignment> assignment(const cxx::Source& source, const cxx::Statement& statement);

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words);
// Names of functions, by what they do in this code.
bool is_get(std::string_view name);
bool is_put(std::string_view name);
bool is_free(std::string_view name);
bool is_removal(std::string_view name);
bool is_wait(std::string_view name);
bool is_wakeup(std::string_view name);
bool is_store(std::string_view name);
bool is_initialization(std::string_view name);
bool is_publication(std::string_view name);

// A pair of functions that take and drop a lock.
struct LockKind {
  std::string_view lock;
  std::string_view unlock;
  std::string_view weaker_lock;  // without interrupts off, or shared; empty: there is none
  std::string_view weaker_unlock;
};
const LockKind* lock_kind(std::string_view name);    // which `name` takes
const LockKind* unlock_kind(std::string_view name);  // which `name` drops

// What a call statement locks or unlocks.
struct LockUse {
  const LockKind* kind;
  bool takes;
  std::string lock;  // the text of its first argument
};
std::optional<LockUse> lock_use(const cxx::Source& source, const cxx::Statement& statement);

// "error != 0" and the like: whether something failed (`failed`), or did not.
struct ErrorTest {
  std::string variable;
  bool failed;
};
std::optional<ErrorTest> error_test(const cxx::Source& source, cxx::Range condition);

// All statements below one, itself first, in the order of the source.
std::vector<const cxx::Statement*> all_below(const cxx::Statement& statement);

// The variable that a declaration makes; empty if it is no declaration.
std::string declared_name(const cxx::Source& source, const cxx::Statement& statement);

// The last word of an expression that matters to it: `fence` of `*queue.fence`, `*a[i]`.
std::string object_of(const cxx::Source& source, cxx::Range expression);

// The function that a call statement calls; empty if it is none.
std::string name_in(const Site& site, const cxx::Statement& statement);
// Where expressions stand: the statement itself, or the head of if, loop, switch.
cxx::Range expressions_of(const cxx::Statement& statement);

// Whether the statement can stand before `target`, which comes earlier: it does not use what is
// declared there.
bool can_pass(const Site& site, const cxx::Statement& target);
// The statement goes to before `target`, if it can.
std::vector<Change> pass(const Site& site, const cxx::Statement& target);

bool is_child(const cxx::Statement& parent, const cxx::Statement& statement);
// Takes the statement and `rest` away.
Change drop_all(const Site& site, const std::vector<const cxx::Statement*>& rest,
                const std::string& what);

}  // namespace tool
