// The operators, each a function that proposes changes of one statement: mutant_operators.cc says
// what each is for.
#pragma once

#include <vector>

#include "fuzz/tool/mutant_operators.h"

namespace tool {

using Changes = std::vector<Change>;

Changes drop_cleanup(const Site& site);
Changes drop_get(const Site& site);
Changes drop_put(const Site& site);
Changes drop_free(const Site& site);
Changes double_put(const Site& site);
Changes put_early(const Site& site);
Changes drop_removal(const Site& site);
Changes skip_rcu(const Site& site);
Changes cancel_no_sync(const Site& site);
Changes drop_wait(const Site& site);
Changes drop_wakeup(const Site& site);
Changes swap_locks(const Site& site);
Changes plain_lock(const Site& site);
Changes read_lock(const Site& site);
Changes unlock_early(const Site& site);
Changes lock_early(const Site& site);
Changes unlock_late(const Site& site);
Changes drop_lock(const Site& site);
Changes publish_early(const Site& site);
Changes drop_initialization(const Site& site);
Changes drop_store(const Site& site);
Changes off_by_one(const Site& site);
Changes ignore_error(const Site& site);
Changes skip_check(const Site& site);
Changes negate_check(const Site& site);

}  // namespace tool
