// The reference ledger: who holds which reference, and which operation took it.
//
// Each reference-counted object has an account; each reference is an entry that names its holder. A
// put by somebody who holds nothing is reported at once, an entry that is left at the end of a run
// as a leak. The ledger is exact and is checked after every run.
#pragma once

#include <cstdint>

namespace kernel {

// A holder is a role, usually the upstream field that stores the pointer ("queue.fence_drv_xa"),
// and the object that has this field (its ledger number, 0 for none). Roles are compared by
// address: one constant, one role.
struct Holder {
  const char* role;
  uint32_t object = 0;
};

// Opens an account with one reference. Returns the object's number, new for each run, never 0.
uint32_t ledger_open(const char* type, Holder first);
void ledger_get(uint32_t object, Holder holder);
void ledger_put(uint32_t object, Holder holder);
void ledger_move(uint32_t object, Holder from, Holder to);
// The last reference is gone.
void ledger_close(uint32_t object);
const char* ledger_type(uint32_t object);

// Reports reference-leak if any entry is left; called at the end of a run, after device teardown.
// False: something leaked, but that is suppressed.
bool ledger_check_empty();
// Starts a new run.
void ledger_reset();

}  // namespace kernel
