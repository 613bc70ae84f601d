#include "core/userq/doorbell.h"

#include <cerrno>

#include "core/kernel/atomic.h"

namespace userq {

int doorbell_page_alloc(Doorbells& doorbells, uint32_t* base) {
  for (uint32_t page = 0; page < kDoorbellPages; ++page) {
    if (kernel::test_and_set_bit(page, doorbells.used)) continue;
    *base = page * kDoorbellsPerPage;
    return 0;
  }
  return -ENOSPC;
}

void doorbell_page_free(Doorbells& doorbells, uint32_t base) {
  kernel::clear_bit(base / kDoorbellsPerPage, doorbells.used);
}

}  // namespace userq
