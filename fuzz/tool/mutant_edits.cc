#include "fuzz/tool/mutant_edits.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tool {

using cxx::Call;
using cxx::Range;
using cxx::Source;
using cxx::Statement;
using Kind = Statement::Kind;

namespace {

constexpr size_t kQuotedLength = 90;

std::string one_line(std::string_view text) {
  std::string line;
  for (char c : text) {
    const bool blank = c == ' ' || c == '\n' || c == '\t';
    if (blank && (line.empty() || line.back() == ' ')) continue;
    line += blank ? ' ' : c;
  }
  return line;
}

constexpr std::array<LockKind, 9> kLocks = {{
    {"mutex_lock", "mutex_unlock", "", ""},
    {"spin_lock", "spin_unlock", "", ""},
    {"spin_lock_irqsave", "spin_unlock_irqrestore", "spin_lock", "spin_unlock"},
    {"xa_lock", "xa_unlock", "", ""},
    {"xa_lock_irqsave", "xa_unlock_irqrestore", "xa_lock", "xa_unlock"},
    {"down_read", "up_read", "", ""},
    {"down_write", "up_write", "down_read", "up_read"},
    {"bo_reserve", "bo_unreserve", "", ""},
    {"resv_lock", "resv_unlock", "", ""},
}};

}  // namespace

std::string quoted(const Source& source, Range tokens) {
  std::string text = one_line(source.text_of(tokens));
  if (text.size() > kQuotedLength) text = text.substr(0, kQuotedLength - 3) + "...";
  return "`" + text + "`";
}

Edit replace_tokens(const Source& source, Range tokens, std::string text) {
  return {source.bytes_of(tokens), std::move(text)};
}

Change replace_statement(const Site& site, const std::string& text, const std::string& what) {
  const Range bytes = site.source.bytes_of(site.statement.tokens);
  std::string replacement = std::string(kMutantCanary);
  if (!text.empty() && site.in_block()) {
    replacement += "\n" + site.source.indent_at(bytes.begin) + text;
  } else if (!text.empty()) {
    replacement = "{ " + replacement + " " + text + " }";
  }
  return {{{bytes, replacement}}, what, bytes.begin};
}

namespace {

// A function of this file that nobody else calls would be warned of: it is named instead.
std::string still_used(const Site& site) {
  const auto call = site.source.sole_call(site.statement);
  if (!call || call->tokens.begin != call->name_token) return "";
  const bool only_here =
      site.source.count({0, site.source.tokens().size()}, call->name) == 2 &&
      std::any_of(site.source.functions().begin(), site.source.functions().end(),
                  [&](const cxx::Function& one) { return one.name == call->name; });
  return only_here ? "(void)" + call->name + ";" : "";
}

}  // namespace

Change drop_statement(const Site& site, const std::string& why) {
  return replace_statement(site, still_used(site),
                           quoted(site.source, site.statement.tokens) + " " + why);
}

Change edit_within(const Site& site, std::vector<Edit> edits, const std::string& what) {
  const Source& source = site.source;
  const Range bytes = source.bytes_of(site.statement.tokens);
  const size_t at = edits.empty() ? bytes.begin : edits.front().bytes.begin;
  std::string before = std::string(kMutantCanary);
  if (site.in_block()) {
    const bool begins_line =
        source.text()
            .substr(source.line_begin(bytes.begin), bytes.begin - source.line_begin(bytes.begin))
            .find_first_not_of(' ') == std::string::npos;
    before += begins_line ? "\n" + source.indent_at(bytes.begin) : " ";
  } else {
    before = "{ " + before + " ";
    edits.push_back({{bytes.end, bytes.end}, " }"});
  }
  edits.insert(edits.begin(), {{bytes.begin, bytes.begin}, before});
  return {std::move(edits), what, at};
}

namespace {

// The bytes of a statement with the line that it has to itself, or with the blanks before it.
Range with_line(const Source& source, const Statement& statement) {
  Range bytes = source.bytes_of(statement.tokens);
  if (source.alone_on_its_lines(statement))
    return {source.line_begin(bytes.begin), source.line_end(bytes.end - 1)};
  while (bytes.begin > 0 && source.text()[bytes.begin - 1] == ' ') bytes.begin--;
  return bytes;
}

}  // namespace

Edit remove_declaration(const Source& source, const Statement& declaration) {
  return {with_line(source, declaration), ""};
}

Change move_before(const Site& site, const Statement& target, const std::string& what) {
  const Source& source = site.source;
  const Range there = source.bytes_of(target.tokens);
  const std::string indent = source.indent_at(there.begin);
  const std::string text = std::string(kMutantCanary) + "\n" + indent +
                           std::string(source.text_of(site.statement.tokens)) + "\n" + indent;
  return {{{{there.begin, there.begin}, text}, {with_line(source, site.statement), ""}},
          what,
          source.bytes_of(site.statement.tokens).begin};
}

Change move_after(const Site& site, const Statement& before, const std::string& what) {
  const Source& source = site.source;
  const Range here = source.bytes_of(site.statement.tokens);
  const std::string indent = "\n" + source.indent_at(here.begin);
  const std::string text =
      indent + std::string(kMutantCanary) + indent + std::string(source.text_of(before.tokens));
  return {{{with_line(source, before), ""}, {{here.end, here.end}, text}}, what, here.begin};
}

std::optional<Assignment> assignment(const Source& source, const Statement& statement) {
  if (statement.kind != Statement::Kind::kExpression) return std::nullopt;
  const std::vector<size_t> signs = source.outer(statement.tokens, "=");
  if (signs.size() != 1) return std::nullopt;
  return Assignment{{statement.tokens.begin, signs[0]}, {signs[0] + 1, statement.tokens.end - 1}};
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_get(std::string_view name) { return name.ends_with("_get"); }

bool is_put(std::string_view name) {
  return name.ends_with("_put") || name.starts_with("put_") ||
         name.find("_put_") != std::string_view::npos || is_one_of(name, {"bo_unpin"});
}

bool is_free(std::string_view name) {
  return name == "kfree" || name.ends_with("_free") || name.starts_with("free_") ||
         name.ends_with("_free_all") || name.ends_with("_fini") || name.ends_with("_destroy") ||
         name.ends_with("_release") || name.starts_with("release_");
}

bool is_removal(std::string_view name) {
  return name.starts_with("list_del") || name.starts_with("xa_erase") ||
         name.starts_with("remove") || name.ends_with("remove_callback");
}

bool is_wait(std::string_view name) {
  return name.starts_with("flush_") || name.starts_with("wait_") || name.ends_with("_wait") ||
         name.ends_with("_wait_timeout") || name.starts_with("cancel_") ||
         name.find("_flush_") != std::string_view::npos || name == "synchronize_rcu" ||
         name == "rcu_barrier";
}

bool is_wakeup(std::string_view name) {
  return name.starts_with("wake_up") || name.starts_with("fence_signal") ||
         name.starts_with("eventfd_signal") || name.starts_with("queue_work") ||
         name.starts_with("queue_delayed_work") || name.starts_with("irq_work_queue") ||
         (name.starts_with("schedule_") && name != "schedule_timeout") ||
         name.starts_with("complete") || name.ends_with("_force_completion") ||
         is_one_of(name,
                   {"fence_changed", "fence_enable_sw_signaling", "queue_update_hang_detect_work",
                    "fence_driver_process", "syncobj_wait_syncobj_func",
                    "syncobj_eventfd_entry_func", "userq_fence_cancel"});
}

bool is_store(std::string_view name) {
  return name.find("set_state") != std::string_view::npos ||
         is_one_of(name, {"fence_set_error", "set_pending_error", "clear_pending_error",
                          "write_slot", "write_once", "store_release", "rcu_assign_pointer",
                          "set_bit", "clear_bit", "atomic_add_return", "count_signaled"});
}

bool is_initialization(std::string_view name) {
  return name.starts_with("init") || name.ends_with("_init") || name.ends_with("_init64");
}

bool is_publication(std::string_view name) {
  return name.starts_with("xa_store") || name == "xa_insert" || name == "xa_alloc" ||
         name.starts_with("list_add") || name == "rcu_assign_pointer" || name == "store_release" ||
         name == "fd_install";
}

const LockKind* lock_kind(std::string_view name) {
  for (const LockKind& kind : kLocks)
    if (kind.lock == name) return &kind;
  return nullptr;
}

const LockKind* unlock_kind(std::string_view name) {
  for (const LockKind& kind : kLocks)
    if (kind.unlock == name) return &kind;
  return nullptr;
}

std::optional<LockUse> lock_use(const Source& source, const Statement& statement) {
  const auto call = source.sole_call(statement);
  if (!call || call->arguments.empty()) return std::nullopt;
  const LockKind* taken = lock_kind(call->name);
  const LockKind* dropped = unlock_kind(call->name);
  if (taken == nullptr && dropped == nullptr) return std::nullopt;
  return LockUse{taken != nullptr ? taken : dropped, taken != nullptr,
                 one_line(source.text_of(call->arguments[0]))};
}

std::optional<ErrorTest> error_test(const Source& source, Range condition) {
  if (condition.end - condition.begin != 3) return std::nullopt;
  const std::string variable(source.word(condition.begin));
  const std::string_view sign = source.word(condition.begin + 1);
  const std::string_view value = source.word(condition.begin + 2);
  if (!is_one_of(variable, {"error", "r", "result", "ret", "fd", "status", "left"}) || value != "0")
    return std::nullopt;
  if (sign == "!=" || sign == "<") return ErrorTest{variable, true};
  if (sign == "==") return ErrorTest{variable, false};
  return std::nullopt;
}

std::vector<const Statement*> all_below(const Statement& statement) {
  std::vector<const Statement*> all = {&statement};
  for (const Statement& child : statement.children) {
    const std::vector<const Statement*> below = all_below(child);
    all.insert(all.end(), below.begin(), below.end());
  }
  return all;
}

std::string declared_name(const Source& source, const Statement& statement) {
  if (statement.kind != Statement::Kind::kDeclaration) return "";
  std::string name;
  for (size_t i = statement.tokens.begin; i < statement.tokens.end; i++) {
    if (is_one_of(source.word(i), {"=", "(", "{", ";", "["})) break;
    if (source.tokens()[i].kind == cxx::Token::Kind::kWord) name = source.word(i);
  }
  return name;
}

std::string object_of(const Source& source, Range expression) {
  std::string object;
  for (size_t i = expression.begin; i < expression.end; i++) {
    const std::string_view word = source.word(i);
    if (word == "[" || word == "(" || word == "{") {
      i = source.partner(i);
    } else if (source.tokens()[i].kind == cxx::Token::Kind::kWord) {
      object = word;
    }
  }
  return object;
}

std::string name_in(const Site& site, const Statement& statement) {
  const auto call = site.source.sole_call(statement);
  return call ? call->name : "";
}

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

namespace {

std::string order_text(const Site& site, const Statement& target) {
  return fmt::format("{} comes before {}", quoted(site.source, site.statement.tokens),
                     quoted(site.source, target.tokens));
}

}  // namespace

bool can_pass(const Site& site, const Statement& target) {
  const std::string name = declared_name(site.source, target);
  return target.kind != Kind::kLabel && target.kind != Kind::kJump &&
         (name.empty() || !site.source.mentions(site.statement.tokens, name));
}

std::vector<Change> pass(const Site& site, const Statement& target) {
  if (!can_pass(site, target)) return {};
  return {move_before(site, target, order_text(site, target))};
}

bool is_child(const Statement& parent, const Statement& statement) {
  return std::any_of(parent.children.begin(), parent.children.end(),
                     [&](const Statement& child) { return &child == &statement; });
}

namespace {

bool stands_in_block(const Statement& below, const Statement& statement) {
  const std::vector<const Statement*> all = all_below(below);
  return std::any_of(all.begin(), all.end(), [&](const Statement* one) {
    return one->kind == Kind::kBlock && is_child(*one, statement);
  });
}

}  // namespace

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

}  // namespace tool
