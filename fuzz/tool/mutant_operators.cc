#include "fuzz/tool/mutant_operators.h"

#include "fuzz/tool/mutant_proposals.h"

namespace tool {

using cxx::Range;
using cxx::Source;
using cxx::Statement;
using Kind = Statement::Kind;

const Statement* Site::sibling(int offset) const {
  if (!in_block()) return nullptr;
  const std::vector<Statement>& all = parent().children;
  const size_t wanted = index + static_cast<size_t>(offset);  // wraps to a large number below 0
  return wanted < all.size() ? &all[wanted] : nullptr;
}

namespace {

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
