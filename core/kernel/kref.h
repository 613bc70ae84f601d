// Reference counts. Every get and put names the holder, for the ledger (ledger.h): the count tells
// that a reference leaked, the ledger tells which one.
#pragma once

#include <cstdint>

#include "core/kernel/ledger.h"

namespace kernel {

struct Kref {
  int count;
  uint32_t object;  // the ledger's number of the object
};

// One reference, held by `holder`. `type` names the object in reports.
void kref_init(Kref& kref, const char* type, Holder holder);
// The count must not be zero: reports refcount-resurrect.
void kref_get(Kref& kref, Holder holder);
// False: the count is zero, nothing was taken.
bool kref_get_unless_zero(Kref& kref, Holder holder);
// Drops a reference; true: it was the last one and release() has run. Any context that release()
// allows.
bool kref_put(Kref& kref, Holder holder, void (*release)(Kref& kref));
// The reference goes from one holder to another; the count stays.
void kref_move(Kref& kref, Holder from, Holder to);
int kref_read(const Kref& kref);

}  // namespace kernel
